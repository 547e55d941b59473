"""The style sheet of the pages: light and dark as the reader's system has it, and for paper."""

from __future__ import annotations

CSS = """
:root{--page:#fff;--ink:#1b2430;--soft:#566273;--faint:#6b7685;--rule:#dde2e8;--panel:#f5f7f9;--track:#e6eaef;
--first:#1d5fa6;--second:#b45309;--third:#2f7d4f;--fourth:#8a94a3;--bad:#a8281e;--mark:#fff0c2;
--notice:#fdf6e3;
--notice-rule:#d9a520;--first-band:#1d5fa626;--grid:#e9edf1}
@media (prefers-color-scheme:dark){:root{--page:#11161d;--ink:#e4e9f0;--soft:#a9b4c2;--faint:#8e9aaa;
--rule:#2b3541;
--panel:#19212b;--track:#2a3441;--first:#6fb0f5;--second:#f0a04b;--third:#63bf87;--fourth:#7a8799;
--bad:#f08a80;
--mark:#5a4a12;--notice:#262012;--notice-rule:#c99a2e;--first-band:#6fb0f533;--grid:#222b36}}
*{box-sizing:border-box}
html{color-scheme:light dark;-webkit-text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;background:var(--page);color:var(--ink);line-height:1.55;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans",Arial,sans-serif;
font-size:1rem}
main,header,footer,nav{max-width:72rem;margin:0 auto;padding:0 2rem}
header{padding-top:3.5rem}
h1{font-size:2.1rem;line-height:1.2;letter-spacing:-.02em;margin:0 0 .5rem;font-weight:650}
h2{font-size:1.45rem;line-height:1.25;letter-spacing:-.012em;margin:0 0 .6rem;font-weight:650}
h3{font-size:1.05rem;line-height:1.35;margin:2rem 0 .5rem;font-weight:650}
p{margin:0 0 .9rem;max-width:44rem}
header p{color:var(--soft);font-size:1.08rem;max-width:none}
.lead{color:var(--soft)}
header .kicker{font-size:.8rem;letter-spacing:.09em;text-transform:uppercase;color:var(--first);
font-weight:650;
margin:0 0 .7rem}
nav{margin-top:1.6rem}
nav ul{display:flex;flex-wrap:wrap;gap:.3rem 1.4rem;list-style:none;margin:0;padding:.8rem 0;
border:solid var(--rule);
border-width:1px 0;font-size:.92rem}
a{color:var(--first);text-decoration-thickness:1px;text-underline-offset:.18em}
nav a{text-decoration:none}
a:hover{text-decoration:underline}
section{padding-top:3.2rem;scroll-margin-top:0}
h1,h2,h3,.cards .name{text-wrap:balance}
p,figcaption,dd{text-wrap:pretty}
small{font-size:.8rem;color:var(--faint)}
strong{font-weight:650}
data,.number,.plot,td,th{font-variant-numeric:tabular-nums}
code{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.9em}
mark{background:var(--mark);color:inherit;padding:.05em .15em;border-radius:2px}
.cards{display:grid;grid-template-columns:repeat(4,1fr);gap:1rem;margin:1.6rem 0 1.4rem;padding:0;
list-style:none}
.cards li{background:var(--panel);border-radius:6px;padding:1.2rem 1.25rem 1.1rem;
border-top:3px solid var(--first);
display:flex;flex-direction:column}
.cards .name{font-size:.92rem;font-weight:650;margin:0;line-height:1.35;min-height:2.7em}
.cards .figure{font-size:2.6rem;line-height:1.15;letter-spacing:-.03em;font-weight:650;margin:.5rem 0 .15rem}
.cards .range{font-size:.85rem;color:var(--soft);margin:0 0 .8rem}
.cards .told{font-size:.92rem;margin:0;color:var(--ink)}
.notice{border-left:3px solid var(--notice-rule);background:var(--notice);padding:.7rem 1rem;
margin:0 0 .8rem;max-width:none;
border-radius:0 4px 4px 0;font-size:.95rem}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:2.5rem;margin:1.5rem 0 .5rem;align-items:start}
figure{margin:0;min-width:0}
figcaption{font-size:.9rem;color:var(--soft);margin-top:.7rem;line-height:1.5}
figure h3{margin-top:0}
.plot{display:block;width:100%;height:auto;max-width:44rem;overflow:visible}
.plot text{font-size:12.5px;fill:var(--soft)}
.plot .axis-title{font-size:13px;fill:var(--ink)}
.plot .label{font-size:12.5px;fill:var(--ink);paint-order:stroke;stroke:var(--page);stroke-width:4px;
stroke-linejoin:round}
.grid{stroke:var(--grid);stroke-width:1}
.axis{stroke:var(--fourth);stroke-width:1}
.line{fill:none;stroke-width:2.25;stroke-linejoin:round;stroke-linecap:round}
.line.first{stroke:var(--first)}.line.second{stroke:var(--second)}.line.third{stroke:var(--third);
stroke-dasharray:6 4}
.line.ideal{stroke:var(--fourth);stroke-width:1.5;stroke-dasharray:3 4}
.band.first{fill:var(--first-band)}
.dot{stroke:var(--page);stroke-width:1.5}
.dot.first{fill:var(--first)}.dot.second{fill:var(--second)}.dot.third{fill:var(--third)}
.rule{stroke:var(--fourth);stroke-width:1;stroke-dasharray:2 3}
.column{fill:var(--track)}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1.2rem;list-style:none;margin:0 0 .5rem;padding:0;
font-size:.9rem;color:var(--soft)}
.legend li{display:flex;align-items:center;gap:.45rem}
.legend svg{width:1.5rem;height:.75rem;flex:none}
.scroll{overflow-x:auto;margin:1rem 0 1.2rem}
table{border-collapse:collapse;width:100%;font-size:.92rem}
caption{text-align:left;font-weight:650;padding:0 0 .5rem;font-size:.98rem}
caption small{font-weight:400;display:block;margin-top:.15rem}
th,td{padding:.5rem .8rem .5rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--rule)}
th:last-child,td:last-child{padding-right:0}
thead th{font-size:.84rem;color:var(--soft);font-weight:600;vertical-align:bottom;line-height:1.35;
border-bottom-color:var(--fourth)}
tbody th{font-weight:500}
.number{white-space:nowrap}
.number small,th small{display:block;line-height:1.35}
.plain td.number,.plain thead th:not(:first-child){text-align:right}
.slices tbody th:first-child{width:27%}
.slices th,.slices td{vertical-align:middle;padding-top:.34rem;padding-bottom:.34rem}
.slices td.number small{display:inline;margin-left:.25rem}
.slices .graph{width:8.6rem;padding-right:.7rem;vertical-align:middle}
.slices td.number{width:auto}
.faint{color:var(--faint)}
.slices .group th{padding-top:1.5rem;font-weight:650;color:var(--soft);font-size:.84rem}
.key td,.key th{background:var(--panel);font-weight:650}

.mini{display:block;width:8.2rem;height:.875rem}
.track{fill:var(--track)}.bar{fill:var(--first);opacity:.75}
.whisker{stroke:var(--ink);stroke-width:1.6}
.mini .whisker,.forest .whisker{vector-effect:non-scaling-stroke}
.forest{display:block;width:13rem;height:1.3rem}
.forest .whisker{stroke:var(--first);stroke-width:2}
.compare th,.compare td{vertical-align:middle}
.compare .forest{width:11rem}
.zero{stroke:var(--fourth);stroke-width:1}
.stacked{display:block;width:100%;height:1.9rem;border-radius:4px;margin:1rem 0 .9rem}
.s1{fill:var(--first)}.s2{fill:var(--second);opacity:.85}.s3{fill:var(--fourth)}.s4{fill:var(--track)}
.shares{display:grid;grid-template-columns:repeat(4,1fr);gap:1rem 1.5rem;list-style:none;padding:0;
margin:0 0 1rem}
.shares li{font-size:.92rem;color:var(--soft);line-height:1.45}
.shares .name{display:flex;gap:.45rem;align-items:center;color:var(--ink);font-weight:600;margin:0}
.shares svg{width:.75rem;height:.75rem;flex:none}
.shares data{font-size:1.3rem;font-weight:650;color:var(--ink);letter-spacing:-.01em}
.mistakes{table-layout:fixed;min-width:44rem}
.mistakes thead th:first-child{width:36%}
.mistakes thead th:nth-child(2),.mistakes thead th:nth-child(3){width:4.2rem}
.mistakes thead th:nth-child(4):not(:last-child){width:9.5rem}
.mistakes .why{color:var(--soft)}
.mistakes .code{font-weight:650}
.mistakes .title{display:block;font-size:.86rem;color:var(--soft);line-height:1.4}
.mistakes .instead{margin-top:.45rem;display:block}
.quote{overflow-wrap:anywhere}
.quote small{display:block;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:minmax(11rem,16rem) 1fr;gap:.5rem 1.5rem;margin:1rem 0;font-size:.95rem}
dt{font-weight:600}dd{margin:0;max-width:46rem;color:var(--soft);overflow-wrap:anywhere}
details{border:1px solid var(--rule);border-radius:6px;padding:0 1rem;margin:.6rem 0}
summary{cursor:pointer;padding:.65rem 0;font-weight:600}
details p{font-size:.92rem;color:var(--soft);max-width:none}
details table{font-size:.88rem}
details td,details th{padding-top:.32rem;padding-bottom:.32rem}
:focus-visible{outline:2px solid var(--first);outline-offset:2px}
footer{margin-top:4rem;padding-top:1.2rem;padding-bottom:3rem;border-top:1px solid var(--rule);
font-size:.88rem;color:var(--soft)}
@media (max-width:66rem){main,header,footer,nav{padding-left:1.6rem;padding-right:1.6rem}.pair{gap:1.8rem}
nav ul{gap:.3rem 1rem;font-size:.88rem}
.cards .figure{font-size:2.25rem}.cards li{padding:1rem}.mini{width:5.4rem}.slices .graph{width:6rem}}
@media (max-width:52rem){.pair{grid-template-columns:1fr}.cards{grid-template-columns:1fr 1fr}
.shares{grid-template-columns:1fr 1fr}dl{grid-template-columns:1fr;gap:.1rem}dd{margin-bottom:.7rem}}
@media (max-width:30rem){.cards{grid-template-columns:1fr}}
@media print{body{font-size:10pt}header{padding-top:0}nav{display:none}main,header,footer{max-width:none;
padding:0}
section{padding-top:1.6rem}figure,.cards li,tr{break-inside:avoid}h2,h3{break-after:avoid}}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
"""
