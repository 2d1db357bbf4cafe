// The authentication page: gives the one-time code, and says what became of it.
//
// However it ends, the page that embeds this one, or the window that opened it, is told `{ scaToken, success, status,
// message }`, and a page of its own goes on to the return URL, which gets the same in its query. None of that proves
// anything: the engine knows who has authenticated, and looks when the merchant authorises.
'use strict';

(() => {
  /** How long the engine may take to answer. */
  const ANSWER_MS = 15000;
  /** What may not be gone to. */
  const FORBIDDEN = /^\s*(about|blob|data|file|filesystem|javascript|mailto|vbscript|view-source|wss?):/i;

  const byId = (id) => document.getElementById(id);
  const page = byId('sca');
  const { token, listener, returnUrl } = page.dataset;
  const base = location.pathname.replace(/\/+$/, '');
  const embedded = window.parent !== window;

  let busy = false;
  let ended = false;
  let late = false;
  let timer = 0;

  // ---- the end ----

  /** The return URL, with what became of it; what it has in its query stays as it is. */
  function wayBack(result) {
    const [, address, fragment] = /^([^#]*)(.*)$/s.exec(returnUrl);
    const joint = !address.includes('?') ? '?' : /[?&]$/.test(address) ? '' : '&';
    return `${address}${joint}${new URLSearchParams(result)}${fragment}`;
  }

  function tell(result) {
    // Pages of another origin than the return URL's are told nothing. See the server for when it is `*`, and none.
    if (!listener) return;
    if (embedded) window.parent.postMessage(result, listener);
    if (window.opener) window.opener.postMessage(result, listener);
  }

  function end(status) {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    const challenge = byId('challenge');
    if (challenge) challenge.remove();
    const shown = page.querySelector(`[data-end="${status}"]`);
    shown.hidden = false;
    document.title = shown.querySelector('h1').textContent;
    shown.querySelector('h1').focus();
    const success = status === 'authenticated';
    const result = { scaToken: token, success, status, message: shown.querySelector('p').textContent };
    tell(result);
    if (embedded) return;
    if (!returnUrl || FORBIDDEN.test(returnUrl)) {
      byId('close').hidden = false;
      return;
    }
    const way = wayBack(result);
    byId('back').href = way;
    byId('back').hidden = false;
    // Not kept in the history: coming back, a customer would be sent on again. What a customer did not choose is read
    // first, for as long as that takes.
    if (success || status === 'cancelled') location.replace(way);
  }

  // ---- the code ----

  const triesLeft = (count) => `You have ${count} ${count === 1 ? 'try' : 'tries'} left.`;

  /** Says what is wrong with the code; with nothing, that nothing is. */
  function blame(text) {
    const [field, error] = [byId('code'), byId('code-error')];
    error.textContent = '';
    byId('tries').hidden = false;
    if (!text) {
      field.removeAttribute('aria-invalid');
      return;
    }
    field.setAttribute('aria-invalid', 'true');
    // A region that is told the same text twice is read out once: so it is emptied first.
    requestAnimationFrame(() => { error.textContent = text; });
    field.focus();
    field.select();
  }

  function work(isBusy) {
    busy = isBusy;
    byId('submit').setAttribute('aria-disabled', String(busy));
    byId('cancel').setAttribute('aria-disabled', String(busy));
    byId('submit').textContent = busy ? 'Confirming…' : 'Confirm';
  }

  async function give(code) {
    // Who waits can do nothing else, so the wait comes to an end.
    const signal = AbortSignal.timeout(ANSWER_MS);
    const headers = { 'Content-Type': 'application/json' };
    const request = { method: 'POST', headers, body: JSON.stringify({ code }), signal };
    const response = await fetch(`${base}/code`, request);
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.detail);
    return answer;
  }

  async function submit() {
    if (busy) return;
    const code = byId('code').value.replace(/[\s-]/g, '');
    blame('');
    if (!/^[0-9]{6}$/.test(code)) {
      blame('Enter the six digits of the code.');
      return;
    }
    work(true);
    try {
      const { status, attemptsLeft } = await give(code);
      if (ended) return;
      if (status === 'wrong') {
        // Told with what is wrong, and beside the field from when the next code is typed.
        byId('tries').textContent = triesLeft(attemptsLeft);
        blame(`This code is wrong. ${triesLeft(attemptsLeft)}`);
        byId('tries').hidden = true;
      } else {
        end(status);
      }
    } catch {
      if (!ended) blame('The code could not be sent. Please try again.');
    }
    if (ended) return;
    work(false);
    if (late) end('expired');
  }

  // ---- the start ----

  if (embedded) document.documentElement.classList.add('embedded');
  if (page.dataset.status) {
    end(page.dataset.status);
    return;
  }
  byId('form').addEventListener('submit', (event) => { event.preventDefault(); submit(); });
  byId('code').addEventListener('input', () => { if (byId('code').hasAttribute('aria-invalid')) blame(''); });
  // What the engine is being asked is not told otherwise meanwhile.
  byId('cancel').addEventListener('click', () => { if (!busy) end('cancelled'); });
  timer = setTimeout(() => { if (busy) late = true; else end('expired'); }, Number(page.dataset.expiresIn));
})();
