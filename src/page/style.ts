/** The style sheet of the page. Colors of text have a contrast of 4.5 and more, those of lines of 3, on either ground. */
export const styleText = `:root {
  color-scheme: light dark;
  --ground: #ffffff; --raised: #f4f5f7; --text: #1b1c20; --soft: #55575f; --edge: #c9ccd3;
  --first: #0b5fa5; --second: #a33b00; --good: #17692f; --bad: #b3261e; --way: #8b8f99;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #16171a; --raised: #1f2125; --text: #e9eaec; --soft: #abaeb8; --edge: #3d4048;
    --first: #74b9ff; --second: #ffb27a; --good: #79d495; --bad: #ff8f85; --way: #6d717c;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
header, footer { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; justify-content: space-between; }
h1 { font-size: 1.5rem; margin: 0; line-height: 1.2; }
h2 { font-size: 1.2rem; margin: 0 0 .5rem; }
h3 { font-size: 1rem; margin: 0; }
p { margin: .25rem 0 .75rem; }
section { margin: 1.25rem 0; padding: 1rem; background: var(--raised); border: 1px solid var(--edge); border-radius: .5rem; }
a { color: var(--first); }
code { font-size: .9em; }
button, input { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--soft); border-radius: .3rem;
  padding: .4rem .8rem; }
button { cursor: pointer; }
:focus-visible { outline: 3px solid var(--first); outline-offset: 2px; }
small { display: block; color: var(--soft); font-size: .85rem; font-weight: normal; }
.note, .empty, figcaption p, footer { color: var(--soft); font-size: .9rem; }
.live { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; color: var(--soft); font-size: .9rem; }
.live p { margin: 0; }
@media (max-width: 30rem) { .live p { flex-basis: 100%; } }
.told { font-size: 1.1rem; margin: 1rem 0 0; padding-left: .75rem; border-left: .35rem solid var(--soft); }
.told.good { border-color: var(--good); }
.told.bad { border-color: var(--bad); }
.good strong { color: var(--good); }
.bad strong { color: var(--bad); }
.findings { list-style: none; margin: 0; padding: 0; }
.findings li { display: grid; grid-template-columns: 4.2rem 1fr; padding: .15rem 0; }
.findings .note { color: var(--soft); }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .75rem 1.5rem; margin: 0 0 .75rem; }
dt { color: var(--soft); font-size: .9rem; }
dd { margin: 0; font-weight: 600; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1.25rem; }
figure { margin: 0; min-width: 0; }
figcaption p { margin: 0 0 .25rem; }
figure svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--text); font: 12px system-ui, sans-serif; }
svg .tick, svg .operator { fill: var(--soft); font-size: 11px; }
svg .layer { font-weight: 600; font-size: 13px; }
.grid { stroke: var(--edge); }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.line.first { stroke: var(--first); }
.line.second { stroke: var(--second); stroke-dasharray: 5 3; }
.dot.first { fill: var(--first); }
.dot.second { fill: var(--second); }
svg .limit { stroke: var(--bad); stroke-dasharray: 2 3; stroke-width: 2; }
.way { stroke: var(--way); }
.node rect { fill: var(--ground); stroke: var(--edge); }
.node.own rect { stroke: var(--second); stroke-width: 2; }
.node circle { fill: var(--ground); stroke: var(--first); stroke-width: 2.5; }
.node.exit circle { fill: var(--first); }
.node.leaving circle { stroke-dasharray: 3 3; }
.node.own .name { font-weight: 700; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .25rem 0 .5rem; padding: 0; font-size: .9rem; }
.legend li::before { content: ""; display: inline-block; width: 1.4rem; margin-right: .4rem; vertical-align: middle;
  border-top: 3px solid var(--first); }
.legend .second::before { border-top: 3px dashed var(--second); }
.legend .limit::before { border-top: 3px dotted var(--bad); }
.legend .mix::before, .legend .exit::before, .legend .leaving::before { width: .8rem; height: .8rem; border: 2.5px solid var(--first);
  border-radius: 50%; }
.legend .exit::before { background: var(--first); }
.legend .leaving::before { border-style: dashed; }
.scroll { overflow-x: auto; }
.scroll svg { display: block; max-width: none; }
summary { cursor: pointer; padding: .25rem 0; font-size: .9rem; }
table { border-collapse: collapse; font-size: .9rem; min-width: 18rem; overflow-wrap: normal; }
th, td { text-align: left; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid var(--edge); vertical-align: top; font-weight: normal; }
thead th { color: var(--soft); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.log-in { max-width: 32rem; margin: 10vh auto 0; }
.log-in label { display: block; font-weight: 600; }
.log-in input { width: 100%; margin: .25rem 0 .75rem; }
.hint { color: var(--bad); font-weight: 600; }
[hidden] { display: none; }
`;

/** A pool with packets in it. */
export const iconText = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#0b5fa5"/><path d="M3 4v8h10V4" fill="none" stroke="#fff" stroke-width="1.5"/><circle cx="6" cy="9.5" r="1.2" fill="#fff"/><circle cx="10" cy="9.5" r="1.2" fill="#fff"/><circle cx="8" cy="6.5" r="1.2" fill="#fff"/></svg>
`;
