/// The style of the HTML pages: one column of text, aligned figures, light and dark, print.
enum HTMLStyle {
    static let sheet: Markup = """
        :root{color-scheme:light dark;--paper:#fcfcfb;--ink:#1b1e22;--soft:#565e69;--line:#dfe2e6;--wash:#f2f3f4;\
        --idle:#5b6673;--download:#1d5fc4;--upload:#b4500b;--both:#7a3fb0;--bad:#b3261e;--good:#1c7a46;--mark:#1b1e22}
        @media (prefers-color-scheme:dark){:root{--paper:#131619;--ink:#e9ebee;--soft:#a3abb6;--line:#2e343b;--wash:#1c2025;\
        --idle:#9aa5b1;--download:#7fb2ff;--upload:#f2a667;--both:#c99cf2;--bad:#ff8f86;--good:#6fd09b;--mark:#e9ebee}}
        *{box-sizing:border-box}
        html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
        body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 ui-sans-serif,system-ui,-apple-system,"Segoe UI",\
        Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
        main{max-width:62rem;margin:0 auto;padding:clamp(1.5rem,5vw,4rem) clamp(1rem,4vw,2.5rem) 4rem}
        .eyebrow{max-width:none;margin:0 0 1.25rem;color:var(--soft);font-size:.875rem;display:flex;flex-wrap:wrap;gap:.15rem 1.5rem;\
        justify-content:space-between}
        .eyebrow strong{color:var(--ink);font-weight:600}
        h1{margin:0;font-size:clamp(1.6rem,1.1rem + 2.4vw,2.6rem);line-height:1.16;font-weight:650;letter-spacing:-.02em;\
        text-wrap:balance;max-width:24em}
        h2{margin:0 0 .35rem;font-size:1.3rem;line-height:1.25;font-weight:650;letter-spacing:-.01em}
        h3{margin:0 0 .5rem;font-size:1rem;font-weight:600}
        p{margin:0 0 .75rem;max-width:42rem}
        .soft,figcaption,caption{color:var(--soft)}
        .small{font-size:.875rem}
        .reasons{margin:1.5rem 0 0;padding:0;list-style:none;max-width:44rem}
        .reasons li{padding:.28rem 0 .28rem 1.15rem;position:relative}
        .reasons li::before{content:"";position:absolute;left:0;top:.95rem;width:.5rem;height:1px;background:var(--soft)}
        section{margin-top:3.25rem;padding-top:1.5rem;border-top:1px solid var(--line)}
        .path{display:grid;grid-template-columns:auto minmax(2.5rem,1fr) auto;align-items:center;gap:.25rem .9rem;\
        margin:2rem 0 0;max-width:44rem}
        .path .end{font-weight:600;overflow-wrap:anywhere}
        .path .wire{height:2px;background:var(--line);position:relative}
        .path .wire.tunnel{height:8px;background:none;border:1px solid var(--line);border-width:1px 0}
        .path .limit{color:var(--bad)}
        .path .wire.limit{background:var(--bad)}
        .path .wire.tunnel.limit{background:none;border-color:var(--bad);border-width:2px 0}
        .path small{font-size:.8125rem;color:var(--soft);font-weight:400}
        .path small.limit{color:var(--bad);font-weight:600}
        .path small.middle{text-align:center}
        .path .last{text-align:right}
        .figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:0;margin:2.75rem 0 0;padding:0;\
        border-top:1px solid var(--line)}
        .figures div{padding:1rem 1rem .5rem 0}
        .figures dt{color:var(--soft);font-size:.875rem}
        .figures dd{margin:0;font-size:1.75rem;line-height:1.2;font-weight:600;letter-spacing:-.02em;white-space:nowrap}
        .figures dd.detail{font-size:.875rem;font-weight:400;letter-spacing:0;color:var(--soft);margin-top:.2rem;\
        white-space:normal}
        .figures .unit{font-size:1rem;font-weight:500;letter-spacing:0;color:var(--soft)}
        .beside{display:grid;grid-template-columns:minmax(0,1.7fr) minmax(0,1fr);gap:1.5rem 2.75rem;align-items:start;\
        margin-top:1.5rem}
        .beside.even{grid-template-columns:minmax(0,1fr) minmax(0,1fr)}
        figure{margin:0;min-width:0}
        figure+figure,section>figure,section>.scroll{margin-top:1.75rem}
        section>.scroll+.small{margin-top:1rem}
        figcaption{font-size:.875rem;margin:0 0 .6rem;display:flex;flex-wrap:wrap;gap:.1rem 1rem}
        .key::before{content:"";display:inline-block;width:.7rem;height:.7rem;border-radius:2px;margin-right:.4rem;\
        background:currentColor}
        .key.idle,.name.idle{color:var(--idle);fill:var(--idle)}
        .key.download,.name.download{color:var(--download);fill:var(--download)}
        .key.upload,.name.upload{color:var(--upload);fill:var(--upload)}
        .key.both,.name.both{color:var(--both);fill:var(--both)}
        .key.lost{color:var(--bad)}
        .chart{display:block;overflow:visible;width:100%;font-size:12px}
        .chart.lines{margin-left:4.4rem;width:calc(100% - 4.4rem)}
        .chart text{fill:var(--soft)}
        .chart .value{text-anchor:end}
        .chart text.name{font-weight:600}
        .chart text.name.idle{fill:var(--idle)}
        .chart text.name.download{fill:var(--download)}
        .chart text.name.upload{fill:var(--upload)}
        .chart text.name.both{fill:var(--both)}
        .chart .label{fill:var(--ink);text-anchor:end}
        .chart .grid{stroke:var(--line)}
        .chart .base{stroke:var(--soft)}
        .strokes{overflow:visible}
        .stroke{fill:none;stroke-width:1.75;stroke-linejoin:round;stroke-linecap:round;vector-effect:non-scaling-stroke}
        .stroke.idle{stroke:var(--idle)}.stroke.download{stroke:var(--download)}.stroke.upload{stroke:var(--upload)}\
        .stroke.both{stroke:var(--both)}
        .stroke.dashed{stroke-dasharray:6 4}
        .area{stroke:none;opacity:.12}
        .area.download{fill:var(--download)}.area.upload{fill:var(--upload)}.area.idle{fill:var(--idle)}.area.both{fill:var(--both)}
        .dot.idle{fill:var(--idle)}.dot.download{fill:var(--download)}.dot.upload{fill:var(--upload)}.dot.both{fill:var(--both)}
        .band{fill:var(--wash)}
        .bar.idle,.reach.idle{fill:var(--idle)}.bar.download,.reach.download{fill:var(--download)}\
        .bar.upload,.reach.upload{fill:var(--upload)}.bar.both,.reach.both{fill:var(--both)}
        .reach{opacity:.28}
        .bar.tail{opacity:.5}
        .lost{stroke:var(--bad);stroke-width:1.5;fill:none;vector-effect:non-scaling-stroke}
        table{border-collapse:collapse;width:100%;font-size:.875rem}
        caption{text-align:left;font-size:.875rem;padding:0 0 .4rem}
        th,td{padding:.42rem .5rem .42rem 0;border-bottom:1px solid var(--line);text-align:right;vertical-align:top}
        th:last-child,td:last-child{padding-right:0}
        th:first-child,td:first-child,.words th,.words td{text-align:left}
        thead th{color:var(--soft);font-weight:500}
        tbody th{font-weight:500}
        .facts tbody th{color:var(--soft);font-weight:400;width:28%}
        .facts td{overflow-wrap:anywhere}
        .stamps tbody th{white-space:nowrap}
        .scroll{overflow-x:auto}
        .grades{display:grid;grid-template-columns:repeat(6,1fr);gap:2px;margin:1.25rem 0 .5rem;padding:0;list-style:none;\
        max-width:44rem}
        .grades li{background:var(--wash);padding:.45rem .3rem;text-align:center;font-size:.75rem;line-height:1.3;color:var(--soft)}
        .grades b{display:block;font-size:1rem;font-weight:600;color:var(--soft)}
        .grades li.is{background:var(--mark);color:var(--paper)}
        .grades li.is b{color:var(--paper)}
        .id{font:.8125rem/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
        details{margin-top:1rem;font-size:.875rem}
        summary{cursor:pointer;color:var(--soft)}
        summary:focus-visible{outline:2px solid var(--download);outline-offset:3px}
        footer{margin-top:3.5rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--soft);font-size:.8125rem;\
        overflow-wrap:anywhere}
        @media (max-width:46rem){.beside,.beside.even{grid-template-columns:minmax(0,1fr)}section{margin-top:2.5rem}\
        .figures{grid-template-columns:1fr 1fr}.figures dd{font-size:1.45rem}.chart.lines{margin-left:3.9rem;\
        width:calc(100% - 3.9rem)}.chart{font-size:11px}table{font-size:.8125rem}.grades li{font-size:.6875rem;padding:.4rem .1rem}}
        @media print{:root{--paper:#fff;--ink:#000;--soft:#444;--line:#bbb;--wash:#f2f2f2;--idle:#5b6673;--download:#1d5fc4;\
        --upload:#b4500b;--both:#7a3fb0;--bad:#b3261e;--good:#1c7a46;--mark:#000}body{font-size:11pt}main{max-width:none;padding:0}\
        section{break-inside:avoid;margin-top:1.5rem}figure,table{break-inside:avoid}\
        *{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
        """
}
