// Puts a payment page into a page of the merchant's:
//
//   payex.hostedView.checkout({ container: { checkout: 'element-id' }, onPaid(event) { … } }).open();
//
// The page it shows is the one that this script was loaded from. `refresh()` has it read the order again, after the
// merchant's server changed it; when the window gets the focus it does so by itself.
'use strict';

(() => {
  // `…/psp/checkout/{token}/scripts/client.js`
  const own = new URL(document.currentScript.src);
  const address = own.origin + own.pathname.replace(/\/scripts\/[^/]*$/, '');
  const FORBIDDEN = /^\s*(javascript|data|blob|file|vbscript):/i;

  function checkout(options = {}) {
    let frame = null;
    let isReady = false;

    const go = (url) => { if (url && !FORBIDDEN.test(url)) location.assign(url); };
    const handlers = {
      onPaid: (event) => go(event.redirectUrl),
      onAborted: (event) => go(event.redirectUrl),
      ...options,
    };

    const send = (command) => {
      if (frame && isReady) frame.contentWindow.postMessage({ source: 'tender-checkout', command }, own.origin);
    };

    function hear(message) {
      if (!frame || message.source !== frame.contentWindow || message.origin !== own.origin) return;
      const said = message.data;
      if (!said || said.source !== 'tender-checkout') return;
      const { source, event, ...details } = said;
      if (event === 'ready') {
        isReady = true;
        send('open');
      } else if (event === 'size') {
        frame.style.height = `${Math.max(0, Number(said.height) || 0)}px`;
      } else if (event === 'redirect') {
        go(said.url);
      } else {
        const told = { event, ...details };
        if (typeof handlers.onEventNotification === 'function') handlers.onEventNotification(told);
        if (/^on[A-Z]/.test(event) && typeof handlers[event] === 'function') handlers[event](told);
      }
    }

    function container() {
      const named = options.container;
      const id = named && typeof named === 'object' && !(named instanceof Element) ? named.checkout ?? named.checkin : named;
      const found = id instanceof Element ? id : document.getElementById(id);
      if (!found) throw new Error(`There is no element '${id}' to put the payment page into.`);
      return found;
    }

    const refresh = () => send('refresh');

    const view = {
      /** Shows the page. A shopper who comes back from elsewhere brings what became of the payment. */
      open() {
        if (frame) return view;
        const returned = new URLSearchParams(location.search).get('redirectResult');
        frame = document.createElement('iframe');
        frame.title = options.title || 'Payment';
        frame.style.cssText = 'display:block;width:100%;min-height:20rem;border:0';
        frame.src = returned ? `${address}?redirectResult=${encodeURIComponent(returned)}` : address;
        window.addEventListener('message', hear);
        window.addEventListener('focus', refresh);
        container().replaceChildren(frame);
        return view;
      },
      /** Has the page read the order again. */
      refresh() {
        refresh();
        return view;
      },
      /** Takes the page away. */
      close() {
        window.removeEventListener('message', hear);
        window.removeEventListener('focus', refresh);
        if (frame) frame.remove();
        frame = null;
        isReady = false;
        return view;
      },
      /** The same. */
      cancel: () => view.close(),
    };
    return view;
  }

  window.payex = window.payex || {};
  window.payex.hostedView = { ...window.payex.hostedView, checkout, paymentMenu: checkout };
})();
