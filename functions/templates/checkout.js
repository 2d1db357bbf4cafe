// The payment page: reads the order, draws it, and pays it in parts.
//
// What is shown is what is paid: a payment carries the `orderData` of the order on screen, and one that has changed
// since is refused. So the order is read again when the window gets the focus, when the embedding page says so, and
// whenever a payment was refused for that.
'use strict';

(() => {
  const page = document.getElementById('checkout');
  const base = location.pathname.replace(/\/+$/, '');
  // The sandbox stands beside `psp/checkout/{token}`, wherever that is.
  const sandbox = base.replace(/\/psp\/checkout\/[^/]+$/, '/sandbox');
  const embedded = window.parent !== window;

  const METHOD_NAMES = { giftcard: 'Gift card', card: 'Card', ideal: 'iDEAL' };
  const BRAND_NAMES = { visa: 'Visa', mc: 'Mastercard', amex: 'American Express' };
  /** Payments whose outcome may come at any time, without the shopper. */
  const UNDECIDED = ['received', 'pending', 'uncertain'];
  /** Looks at an order with an undecided payment, and the longest wait between two. */
  const LOOKS_MAX = 60;
  const LOOK_WAIT_MAX_MS = 10000;
  /** Tries to send one payment, always under one idempotency key. */
  const TRIES_MAX = 3;
  /** Why a payment is refused of an order that is not as it was shown. */
  const STALE = [
    'order_data_stale',
    'order_data_key_unknown',
    'amount_exceeds_remaining',
    'order_closed',
    'order_cancelled',
    'order_expired',
  ];
  /** What is kept for an embedding page that has not spoken yet. */
  const WAITING_MAX = 64;
  /** What may not be gone to. */
  const FORBIDDEN = /^\s*(javascript|data|blob|file|vbscript):/i;

  let order = null;
  let form = null;
  let busy = false;
  let readAgain = false;
  let looks = 0;
  let timer = 0;
  let read = 0;
  let told = '';

  // ---- the document ----

  const byId = (id) => document.getElementById(id);

  /** An element. No text ever becomes markup. */
  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === true) made.setAttribute(key, '');
      else if (value !== false && value !== undefined && value !== null) made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
    return made;
  }

  function say(text, isGood = false) {
    byId('alert').textContent = '';
    const status = byId('status');
    status.classList.toggle('good', isGood);
    status.textContent = text;
  }

  function warn(text) {
    byId('status').textContent = '';
    // A region that is told the same text twice is read out once: so it is emptied first.
    byId('alert').textContent = '';
    requestAnimationFrame(() => { byId('alert').textContent = text; });
  }

  const silence = () => { byId('status').textContent = ''; byId('alert').textContent = ''; };

  // ---- money: whole minor units, as texts and integers ----

  function decimal(minor) {
    const digits = String(Math.abs(minor)).padStart(order.exponent + 1, '0');
    const cut = digits.length - order.exponent;
    return (minor < 0 ? '-' : '') + digits.slice(0, cut) + (order.exponent ? '.' + digits.slice(cut) : '');
  }

  function money(minor) {
    const options = {
      style: 'currency',
      currency: order.currency,
      minimumFractionDigits: order.exponent,
      maximumFractionDigits: order.exponent,
    };
    let written;
    try {
      written = new Intl.NumberFormat(order.language, options);
    } catch {
      written = new Intl.NumberFormat('en-US', options);
    }
    return written.format(decimal(minor));
  }

  /** Minor units of what a shopper typed; a text that says what is wrong with it. */
  function parseMoney(text) {
    const plain = text.replace(/[\s\u00a0\u202f]/g, '');
    if (plain === '') return 'Enter an amount.';
    const parts = /^(\d{1,15})(?:[.,](\d*))?$/.exec(plain);
    if (!parts) return `Enter an amount such as ${decimal(order.remaining)}.`;
    const decimals = parts[2] || '';
    if (decimals.length > order.exponent) {
      return order.exponent === 0
        ? `${order.currency} has no decimals.`
        : `${order.currency} has at most ${order.exponent} decimals.`;
    }
    const digits = (parts[1] + decimals.padEnd(order.exponent, '0')).replace(/^0+(?=\d)/, '');
    if (digits.length > 15) return 'This is more than what remains.';
    const minor = Number(digits);
    if (minor === 0) return 'Enter more than nothing.';
    if (minor > order.remaining) return `Only ${money(order.remaining)} remains to be paid.`;
    return minor;
  }

  // ---- the engine ----

  class Refused extends Error {
    constructor(problem, status, isTransient) {
      // What is said of a field says more than what is said of them all.
      super(problem.problems?.[0]?.description || problem.detail || 'Something went wrong. Please try again.');
      this.code = problem.code || '';
      this.status = status;
      this.isTransient = isTransient;
    }
  }

  async function ask(path, body, key) {
    const options = { cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer' };
    if (body !== undefined) {
      options.method = 'POST';
      options.headers = { 'Content-Type': 'application/json' };
      if (key) options.headers['Idempotency-Key'] = key;
      options.body = JSON.stringify(body);
    }
    const answer = await fetch(path, options);
    const json = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Refused(json, answer.status, answer.headers.has('transient-error'));
    return json;
  }

  /** Sends a payment, again if it is not known to have arrived: always as the same one. */
  async function send(body) {
    const key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    for (let tried = 1; ; tried += 1) {
      try {
        return await ask(`${base}/payments`, body, key);
      } catch (error) {
        const isFinal = error instanceof Refused && !error.isTransient;
        if (isFinal || tried >= TRIES_MAX) throw error;
        await new Promise((resume) => setTimeout(resume, 500 * tried));
      }
    }
  }

  /** Reads the order and draws it. `why` is what a shopper is told if it is not what was shown. */
  async function refresh(why = 'The order has changed.', returned = null) {
    if (busy) {
      readAgain = true;
      return;
    }
    read += 1;
    const mine = read;
    try {
      const query = returned ? `?redirectResult=${encodeURIComponent(returned)}` : '';
      const now = await ask(`${base}/order${query}`);
      // An answer that was overtaken, by another or by a payment, is not shown.
      if (mine === read && !busy) show(now, why);
    } catch (error) {
      if (mine !== read || busy) return;
      if (order === null) {
        page.hidden = false;
        byId('pay-title').textContent = 'Your order cannot be shown';
        byId('pay').replaceChildren(again());
      }
      warn(error instanceof Refused ? error.message : 'There is no connection. Please try again.');
      tell('onError', { details: error.message });
    }
  }

  function again() {
    const button = element('button', { type: 'button' }, 'Try again');
    button.addEventListener('click', () => { silence(); refresh(); });
    return button;
  }

  /** What of an order a shopper has to be told of, if it changes. */
  const essence = (of) => JSON.stringify([of.status, of.amount, of.paid, of.remaining, of.items]);

  function show(now, why) {
    const before = order;
    order = now;
    draw();
    if (before === null) {
      page.hidden = false;
      page.setAttribute('aria-busy', 'false');
    } else if (essence(before) !== essence(now) && now.status === 'open' && why) {
      say(`${why} ${remains()}`);
    }
    look();
  }

  /** Looks again by itself, while something is undecided. */
  function look() {
    clearTimeout(timer);
    const isUndecided = order.status === 'open' && order.payments.some((payment) => UNDECIDED.includes(payment.status));
    if (!isUndecided) {
      looks = 0;
    } else if (looks < LOOKS_MAX) {
      looks += 1;
      timer = setTimeout(() => refresh('A payment has been decided.'), Math.min(1000 * looks, LOOK_WAIT_MAX_MS));
    }
  }

  // ---- drawing ----

  function remains() {
    if (order.remaining === 0) return 'Nothing remains to be paid.';
    return order.remaining === order.amount
      ? `${money(order.amount)} is to be paid.`
      : `${money(order.remaining)} remains to be paid.`;
  }

  function paidWith(payment) {
    const name = payment.method === 'card' ? BRAND_NAMES[payment.brand] || 'Card' : METHOD_NAMES[payment.method];
    return payment.lastFour ? `${name} ending in ${payment.lastFour}` : name;
  }

  function drawItem(item) {
    const count = item.quantityUnit ? `${item.quantity} ${item.quantityUnit}` : item.quantity;
    const each = item.discountPrice ?? item.unitPrice;
    const detail = [item.description, item.quantity !== '1' && each !== undefined ? `${count} × ${money(each)}` : null];
    const text = element('span', { class: 'name' }, item.name);
    for (const line of detail.filter(Boolean)) text.append(element('br'), element('span', { class: 'soft' }, line));
    const image = item.imageUrl && /^(https:|data:image\/)/.test(item.imageUrl)
      ? element('img', { src: item.imageUrl, alt: '', referrerpolicy: 'no-referrer' })
      : null;
    const line = element('li', { class: image && 'with-image' }, image, text, element('span', { class: 'number' }, money(item.amount)));
    // One that cannot be had leaves no gap.
    image?.addEventListener('error', () => { line.classList.remove('with-image'); image.remove(); });
    return line;
  }

  function drawOrder() {
    const totals = element('dl', { class: 'totals' });
    const row = (name, value, kind = '') => totals.append(
      element('dt', { class: kind }, name),
      element('dd', { class: `number ${kind}` }, value),
    );
    row('Total', money(order.amount), 'sum');
    if (order.vatAmount) row('of which VAT', money(order.vatAmount), 'soft');
    for (const payment of order.payments) {
      if (payment.status === 'authorised') row(`Paid: ${paidWith(payment)}`, money(-payment.amount), 'done');
      if (UNDECIDED.includes(payment.status)) row(`Being confirmed: ${paidWith(payment)}`, money(-payment.amount), 'soft');
      if (payment.status === 'redirectShopper') {
        const name = element('span', {}, `Waits for you: ${paidWith(payment)} `);
        if (order.remaining > 0 && payment.redirect && !FORBIDDEN.test(payment.redirect)) {
          name.append(element('a', { href: payment.redirect, target: embedded && '_top' }, 'Continue'));
        }
        row(name, money(-payment.amount), 'soft');
      }
    }
    if (order.status === 'open') row('Remaining', money(order.remaining), 'left');
    const about = order.description ? [element('p', { class: 'soft' }, order.description), element('br')] : [];
    byId('order').replaceChildren(...about, element('ul', { class: 'lines', role: 'list' }, ...order.items.map(drawItem)), totals);
  }

  function field(id, label, attributes, isWide = false) {
    const input = element('input', { id, name: id, autocapitalize: 'off', spellcheck: 'false', 'aria-describedby': `${id}-error`, ...attributes });
    return fieldOf(id, label, input, isWide);
  }

  function fieldOf(id, label, input, isWide) {
    const error = element('p', { class: 'error', id: `${id}-error` });
    return element('div', { class: isWide ? 'field wide' : 'field' }, element('label', { for: id }, label), input, error);
  }

  function drawForm() {
    const methods = element('fieldset', { class: 'methods' }, element('legend', { class: 'hidden' }, 'Pay with'));
    for (const method of order.methods) {
      const choice = element('input', { type: 'radio', name: 'method', value: method, id: `method-${method}` });
      methods.append(element('label', { for: `method-${method}` }, choice, METHOD_NAMES[method] || method));
    }
    const brands = order.giftCardBrands.map(({ brand, name }) => element('option', { value: brand }, name));
    const numeric = { inputmode: 'numeric', autocomplete: 'off' };
    const groups = {
      giftcard: [
        fieldOf('giftcard-brand', 'Gift card', element('select', { id: 'giftcard-brand', 'aria-describedby': 'giftcard-brand-error' }, ...brands), true),
        field('giftcard-number', 'Gift card number', { ...numeric, maxlength: 40 }, true),
        field('giftcard-code', 'Security code', { ...numeric, maxlength: 16 }),
      ],
      card: [
        field('card-number', 'Card number', { ...numeric, autocomplete: 'cc-number', maxlength: 30 }, true),
        field('card-expiry', 'Expiry (MM/YY)', { ...numeric, autocomplete: 'cc-exp', placeholder: 'MM/YY', maxlength: 9 }),
        field('card-code', 'Security code', { ...numeric, autocomplete: 'cc-csc', maxlength: 4 }),
      ],
      ideal: [element('p', { class: 'soft wide' }, 'You go to your bank’s page to pay, and come back here.')],
    };
    const sets = order.methods.filter((method) => groups[method]).map((method) => element(
      'fieldset',
      { 'data-method': method, hidden: true },
      element('legend', { class: 'hidden' }, METHOD_NAMES[method]),
      element('div', { class: 'fields' }, ...groups[method]),
    ));
    const part = element('label', { class: 'check', for: 'part' }, element('input', { type: 'checkbox', id: 'part' }), 'Pay only a part of it');
    const amount = field('amount', `Amount in ${order.currency}`, { inputmode: 'decimal', autocomplete: 'off', maxlength: 24 });
    amount.id = 'amount-field';
    form = element('form', { novalidate: true, 'aria-labelledby': 'pay-title' }, methods, ...sets, part, amount, element('button', { type: 'submit', id: 'submit' }), element('a', { id: 'cancel', class: 'plain', hidden: true }, 'Cancel and go back to the shop'));
    form.addEventListener('submit', (event) => { event.preventDefault(); submit(); });
    form.addEventListener('change', update);
    form.addEventListener('input', (event) => { blame(event.target.id, ''); update(); });
    form.elements.method.value = order.methods.includes('card') ? 'card' : order.methods[0];
    byId('pay').replaceChildren(form);
  }

  /** Puts what the shopper chose, and what remains, into the form; what was typed stays. */
  function update() {
    const method = chosen();
    for (const set of form.querySelectorAll('[data-method]')) set.hidden = set.dataset.method !== method;
    const isPart = byId('part').checked;
    byId('amount-field').hidden = !isPart;
    const typed = isPart ? parseMoney(byId('amount').value) : order.remaining;
    const button = byId('submit');
    button.setAttribute('aria-disabled', String(busy));
    if (busy) button.textContent = 'Paying…';
    else if (method === 'giftcard' && !isPart) button.textContent = 'Pay with this gift card';
    else button.textContent = typeof typed === 'number' ? `Pay ${money(typed)}` : 'Pay';
    const cancel = byId('cancel');
    const url = order.urls.cancel;
    cancel.hidden = !url || FORBIDDEN.test(url);
    if (!cancel.hidden) {
      cancel.href = url;
      cancel.onclick = (event) => {
        if (!embedded) return;
        event.preventDefault();
        tell('onAborted', { id: order.id, redirectUrl: url });
      };
    }
  }

  /** All is set aside, and not all of it is paid. */
  function drawWaiting() {
    const left = order.payments.find(({ status, redirect }) => status === 'redirectShopper' && redirect && !FORBIDDEN.test(redirect));
    if (!left) {
      byId('pay-title').textContent = 'Nothing remains to be paid';
      const text = 'A payment is still to be confirmed. This page shows it as soon as it is.';
      byId('pay').replaceChildren(element('p', { class: 'soft' }, text));
      return;
    }
    byId('pay-title').textContent = 'Finish your payment';
    const text = `Your payment of ${money(left.amount)} is not finished. Finish it there, or cancel it there to pay another way.`;
    const way = element('a', { class: 'button', href: left.redirect, target: embedded && '_top' }, `Continue with ${paidWith(left)}`);
    byId('pay').replaceChildren(element('div', { class: 'end' }, element('p', {}, text), way));
  }

  const chosen = () => form.elements.method.value;

  function draw() {
    drawOrder();
    const title = byId('pay-title');
    const ends = {
      paid: ['Paid', 'Thank you. Your order is paid in full.', order.urls.complete, 'Continue'],
      aborted: ['Cancelled', 'This order was cancelled. What was paid is given back.', order.urls.cancel, 'Back to the shop'],
      failed: ['Not paid', 'This order was not paid in time. What was paid is given back.', order.urls.cancel, 'Back to the shop'],
    };
    const end = ends[order.status];
    if (end) {
      const [name, text, url, link] = end;
      const isFirst = form !== null || title.textContent !== name;
      title.textContent = name;
      form = null;
      const way = url && !FORBIDDEN.test(url) ? element('a', { class: 'button', href: url, target: embedded && '_top' }, link) : null;
      byId('pay').replaceChildren(element('div', { class: 'end' }, ...[way].filter(Boolean)));
      if (isFirst) {
        if (order.status === 'paid') say(text, true);
        else say(text);
        title.focus();
        finish(url);
      }
      return;
    }
    if (order.remaining === 0) {
      form = null;
      drawWaiting();
      return;
    }
    if (form === null) drawForm();
    title.textContent = order.remaining === order.amount ? `Pay ${money(order.amount)}` : `Pay the remaining ${money(order.remaining)}`;
    update();
  }

  /** The order has ended: whoever embeds the page is told, and a page of its own goes on. */
  function finish(url) {
    if (embedded) {
      if (told !== order.status) tell(order.status === 'paid' ? 'onPaid' : 'onAborted', { id: order.id, redirectUrl: url });
      told = order.status;
    } else if (order.status === 'paid' && url && !FORBIDDEN.test(url)) {
      // Not kept in the history: coming back, a shopper would be sent on again.
      location.replace(url);
    }
  }

  // ---- paying ----

  /** Marks a field as wrong, or, without a text, as right. */
  function blame(id, text) {
    const error = id && byId(`${id}-error`);
    if (!error) return;
    error.textContent = text;
    if (text) byId(id).setAttribute('aria-invalid', 'true');
    else byId(id).removeAttribute('aria-invalid');
  }

  /** Blames each field that is wrong, and goes to the first. */
  function check(faults) {
    const wrong = Object.entries(faults).filter(([id, text]) => { blame(id, text || ''); return text; });
    if (wrong.length === 0) return true;
    byId(wrong[0][0]).focus();
    return false;
  }

  const digits = (id) => byId(id).value.replace(/[\s-]/g, '');

  /** What the form says: what is paid with, and how much; none if something is wrong with it. */
  function readForm() {
    const method = chosen();
    const typed = byId('part').checked ? parseMoney(byId('amount').value) : order.remaining;
    const faults = {};
    const read = { method, amount: typed, isPart: byId('part').checked };
    if (method === 'giftcard') {
      read.giftcard = { brand: byId('giftcard-brand').value, number: digits('giftcard-number'), code: digits('giftcard-code') };
      faults['giftcard-number'] = read.giftcard.number.length < 8 && 'Enter the number on your gift card.';
      faults['giftcard-code'] = read.giftcard.code === '' && 'Enter the code on your gift card.';
    } else if (method === 'card') {
      const expiry = /^(0?[1-9]|1[0-2])\s*\/?\s*(\d{4}|\d{2})$/.exec(byId('card-expiry').value.trim());
      read.card = { number: digits('card-number'), expiryMonth: expiry && expiry[1], expiryYear: expiry && expiry[2], cvc: digits('card-code') };
      faults['card-number'] = !/^\d{12,19}$/.test(read.card.number) && 'Enter the number on your card.';
      faults['card-expiry'] = !expiry && 'Enter month and year, such as 03/30.';
      faults['card-code'] = !/^\d{3,4}$/.test(read.card.cvc) && 'Enter the three or four digits.';
    }
    faults.amount = typeof typed === 'string' && typed;
    return check(faults) ? read : null;
  }

  /** What a gift card pays: all that it can, or the part that was asked for. */
  async function giftCardAmount(asked) {
    const { payable, reason, balance } = await ask(`${base}/balance`, asked.giftcard);
    if (payable === 0) {
      warn(`This gift card cannot be used: ${sentence(reason || 'nothing is left on it')}`);
      return 0;
    }
    if (!asked.isPart) return payable;
    if (asked.amount > payable) {
      blame('amount', `The gift card has ${money(balance)} left.`);
      byId('amount').focus();
      return 0;
    }
    return asked.amount;
  }

  const sentence = (reason) => `${REASONS[reason] || reason.toLowerCase()}.`;

  /** Reasons, as a shopper understands them. */
  const REASONS = {
    'Refused': 'it was refused',
    'Not enough balance': 'there is not enough on it',
    'Expired Card': 'the card has expired',
    'Invalid Card Number': 'no such card is known; check its number',
    'CVC Declined': 'the security code is wrong',
    'Pin tries exceeded': 'too many wrong codes; try again later',
    '3D Not Authenticated': 'it was not confirmed',
    'Transaction Not Permitted': 'the card does not allow it',
    'Shopper Cancelled': 'you cancelled it',
    'Shopper did not act in time': 'it took too long',
    'Cancelled': 'the order was cancelled',
    'Acquirer Error': 'the bank could not be reached',
  };

  /** What became of a payment. */
  function report(payment) {
    if (payment.status === 'authorised') {
      if (order.status !== 'open') return;
      say(`${money(payment.amount)} is paid. ${remains()}`, true);
      byId('pay-title').focus();
    } else if (UNDECIDED.includes(payment.status)) {
      say('The payment is being confirmed. This may take a moment.');
    } else if (payment.status !== 'redirectShopper') {
      warn(`Nothing was paid: ${sentence(payment.reason || 'it was refused')} You can try again.`);
      tell('onPaymentAttemptFailed', { details: payment.reason });
    }
  }

  function leave(url) {
    if (FORBIDDEN.test(url)) return;
    if (embedded) tell('redirect', { url });
    else location.assign(url);
  }

  async function submit() {
    if (busy) return;
    silence();
    const asked = readForm();
    if (asked === null) return;
    busy = true;
    update();
    let answer = null;
    let isStale = false;
    try {
      const method = { type: asked.method };
      let amount = asked.amount;
      if (asked.method === 'giftcard') {
        amount = await giftCardAmount(asked);
        Object.assign(method, asked.giftcard);
      } else if (asked.method === 'card') {
        // The one request with the card's number; who takes the payment gets a token.
        method.token = (await ask(`${sandbox}/cards`, asked.card)).token;
      }
      if (amount > 0) {
        tell('onPaymentAttemptStarted', { paymentMethod: asked.method });
        answer = await send({ orderData: order.orderData, amount, method, embedded });
      }
    } catch (error) {
      isStale = error instanceof Refused && STALE.includes(error.code);
      if (error.code === 'card_number_invalid' && asked.method === 'card') {
        check({ 'card-number': 'This is no card’s number. Please check it.' });
      } else if (!isStale) {
        warn(error instanceof Refused ? error.message : 'There is no connection. The payment may have been made: look at your order before you try again.');
        tell('onError', { details: error.message });
        readAgain = true;
      }
    }
    busy = false;
    if (answer) {
      read += 1;
      show(answer.order, null);
      if (form) clear(answer.payment.status);
      report(answer.payment);
      if (answer.redirect) leave(answer.redirect);
    } else {
      update();
      if (isStale) await refresh(null);
      if (isStale && order.status === 'open') {
        warn(`The order has changed since you saw it, so nothing was paid. ${remains()} Please check it, and pay again.`);
      }
    }
    if (readAgain) {
      readAgain = false;
      refresh();
    }
  }

  /** Forgets what was typed, once it was paid with. */
  function clear(status) {
    if (status !== 'authorised') return;
    const method = chosen();
    form.reset();
    form.elements.method.value = method === 'giftcard' && order.methods.includes('card') ? 'card' : method;
    update();
  }

  // ---- the page that embeds this one ----

  let host = null;
  const waiting = [];

  function tell(event, details = {}) {
    if (!embedded) return;
    const message = { source: 'tender-checkout', event, ...details };
    if (host !== null) window.parent.postMessage(message, host);
    else if (waiting.length < WAITING_MAX) waiting.push(message);
  }

  function connect() {
    window.addEventListener('message', (event) => {
      const message = event.data;
      if (event.source !== window.parent || !message || message.source !== 'tender-checkout') return;
      if (message.command === 'open') {
        // Whoever may embed the page is said by its frame-ancestors; the first to speak is who it talks to.
        host = host || event.origin;
        waiting.splice(0).forEach((kept) => window.parent.postMessage(kept, host));
      } else if (message.command === 'refresh' && event.origin === host) {
        refresh();
      }
    });
    document.documentElement.classList.add('embedded');
    new ResizeObserver(() => tell('size', { height: Math.ceil(document.body.getBoundingClientRect().height) })).observe(document.body);
    // Nothing is in it, so anyone may know.
    window.parent.postMessage({ source: 'tender-checkout', event: 'ready' }, '*');
  }

  // ---- the start ----

  async function start() {
    const returned = new URLSearchParams(location.search).get('redirectResult');
    if (returned) history.replaceState(null, '', location.pathname);
    if (embedded) connect();
    await refresh(null, returned);
    if (returned && order && order.payments.length > 0) report(order.payments[order.payments.length - 1]);
    window.addEventListener('focus', () => refresh());
    // A page that the browser kept is shown as it was left.
    window.addEventListener('pageshow', (event) => { if (event.persisted) refresh(); });
  }

  start();
})();
