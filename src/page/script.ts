/**
 * The script of the page, for browsers. It logs in by a token behind the `#` of the address, which is removed from there
 * first, and puts in what the server sends. Everything but that works without it.
 *
 * What is in use stays as it is: a part is replaced only where it has changed, opened tables stay open, and what had the
 * focus has it again.
 */
export const scriptText = `'use strict';
(() => {
  const form = document.getElementById('log-in');
  if (form !== null) {
    const token = location.hash.slice(1);
    if (token === '') return;
    history.replaceState(null, '', location.pathname);
    form.elements.token.value = decodeURIComponent(token);
    form.submit();
    return;
  }
  const live = document.getElementById('live');
  const button = document.getElementById('pause');
  const say = (text) => {
    if (live.textContent !== text) live.textContent = text;
  };
  const retryMs = 60000;
  let source;
  let timer;

  const replace = (before, after) => {
    if (before.outerHTML === after.outerHTML) return;
    for (const open of before.querySelectorAll('details[open][id]')) {
      const same = after.querySelector('#' + open.id);
      if (same !== null) same.open = true;
    }
    // Opened by the user is no change of the server's.
    if (before.outerHTML === after.outerHTML) return;
    const focused = before.contains(document.activeElement) ? document.activeElement : null;
    const way = focused === null ? null : wayTo(before, focused);
    const scrolled = [...before.querySelectorAll('.scroll')].map((one) => one.scrollLeft);
    before.replaceWith(after);
    [...after.querySelectorAll('.scroll')].forEach((one, i) => (one.scrollLeft = scrolled[i] ?? 0));
    if (way !== null) follow(after, way)?.focus({ preventScroll: true });
  };
  const wayTo = (from, to) => {
    const way = [];
    for (let at = to; at !== from; at = at.parentElement) way.unshift([...at.parentElement.children].indexOf(at));
    return way;
  };
  const follow = (from, way) => way.reduce((at, step) => at?.children[step], from);

  const put = (markup) => {
    const next = new DOMParser().parseFromString(markup, 'text/html').getElementById('parts');
    const now = document.getElementById('parts');
    if (next === null) return;
    const parts = [...now.querySelectorAll('[data-part]')];
    const news = [...next.querySelectorAll('[data-part]')];
    const isAlike = parts.length === news.length && parts.every((one, i) => one.id === news[i].id);
    if (isAlike) parts.forEach((one, i) => replace(one, document.adoptNode(news[i])));
    else now.replaceWith(document.adoptNode(next));
  };

  const connect = () => {
    source = new EventSource('events');
    source.onopen = () => say('Live: changes show by themselves.');
    source.onmessage = ({ data }) => put(data);
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) return say('No connection; trying again.');
      say('No connection. Trying again in a minute; if that does not help, log in again.');
      timer = setTimeout(connect, retryMs);
    };
  };
  button.hidden = false;
  button.addEventListener('click', () => {
    const isPaused = button.getAttribute('aria-pressed') === 'true';
    button.setAttribute('aria-pressed', String(!isPaused));
    if (isPaused) return connect();
    source.close();
    clearTimeout(timer);
    say('Paused.');
  });
  connect();
})();
`;
