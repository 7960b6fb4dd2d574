'use strict';
// Shows what /api/status answers, every two seconds. Text from the cluster only ever becomes text nodes, never markup.
const INTERVAL_MS = 2000;
const $ = (id) => document.getElementById(id);
let paused = false;
let latest;

function element(tag, { className, title, text, ...data } = {}, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (title) made.title = title;
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(data)) made.dataset[key] = value;
  made.append(...children);
  return made;
}

const tile = (label, value, detail, tone = '') =>
  element('div', { className: 'tile', tile: label }, element('span', { className: 'dim', text: label }), element('b', { className: tone, text: value }), element('span', { className: 'dim', text: detail ?? '' }));

function tiles({ summary }) {
  const { nodes, enis, addresses, elasticIps, floatingIps, agents } = summary;
  const quota = elasticIps.quota;
  return [
    tile('Nodes', `${nodes.ready}/${nodes.total}`, `${nodes.withAgent} with an agent`, nodes.ready < nodes.total ? 'wait' : ''),
    tile('ENI slots', enis.slots ? `${enis.slots.used}/${enis.slots.limit}` : '–', `${enis.total} ENIs`),
    tile('Addresses', addresses.assigned, 'assigned', 'good'),
    tile('Pending', addresses.pending, 'waiting for EC2', addresses.pending ? 'wait' : ''),
    tile('Refused', addresses.refused, Object.entries(addresses.refusedByReason).map(([reason, count]) => `${reason} ${count}`).join(', '), addresses.refused ? 'bad' : ''),
    tile('Elastic IPs', quota ? `${quota.used}/${quota.limit ?? '?'}` : elasticIps.bound, quota ? 'of the quota' : 'bound'),
    tile('FloatingIPs', `${floatingIps.served}/${floatingIps.total}`, 'served', floatingIps.served < floatingIps.total ? 'bad' : ''),
    tile('Agents', `${agents.ready}/${agents.total}`, Object.keys(agents.versions).join(', '), agents.ready < agents.total ? 'wait' : ''),
  ];
}

function slot({ address, primary, publicIp, holder }) {
  const kind = primary ? 'primary' : holder === undefined ? 'unknown' : holder.startsWith('FloatingIP') ? 'vip' : 'pod';
  const words = `${address} · ${primary ? 'primary address' : holder ?? 'nobody that is known'}${publicIp ? ` · Elastic IP ${publicIp}` : ''}`;
  const made = element('button', { className: `slot ${kind}${publicIp ? ' public' : ''}`, title: words, address, holder: holder ?? '' });
  made.type = 'button';
  made.setAttribute('aria-label', words);
  return made;
}

function eni({ id, deviceIndex, protection, ipv4, addresses }) {
  const free = ipv4.limit === null ? 0 : Math.max(0, ipv4.limit - ipv4.used);
  const name = element('div', { className: 'name' }, element('span', { text: `${deviceIndex ?? '?'} · ${id}${protection ? ` · ${protection}` : ''}` }), element('span', { className: 'dim', text: `${ipv4.used}/${ipv4.limit ?? '?'}` }));
  const slots = element('div', { className: 'slots' }, ...addresses.map(slot), ...Array.from({ length: Math.min(free, 60) }, () => element('i', { className: 'slot', title: 'free' })));
  return element('div', { className: 'eni', eni: id }, name, slots);
}

function node({ name, ready, instanceType, zone, agent, enis }) {
  const tone = !ready || agent === 'missing' ? 'bad' : agent === 'ready' ? 'good' : 'wait';
  const state = ready ? `agent ${agent}` : 'node not ready';
  return element('article', { className: 'card', node: name }, element('header', {}, element('h3', { text: name }), element('span', { className: tone, text: state })), element('div', { className: 'dim', text: [instanceType, zone].filter(Boolean).join(' · ') }), ...enis.map(eni));
}

function table(head, rows, none) {
  if (rows.length === 0) return element('p', { className: 'dim', text: none });
  const cells = (row) => element('tr', {}, ...row.map((cell) => (cell instanceof Node ? cell : element('td', { text: cell ?? '' }))));
  return element('table', {}, element('thead', {}, element('tr', {}, ...head.map((text) => element('th', { text })))), element('tbody', {}, ...rows.map(cells)));
}

const toned = (text, tone) => element('td', { className: tone, text });

function matches(value) {
  const wanted = $('filter').value.trim().toLowerCase();
  return wanted === '' || JSON.stringify(value).toLowerCase().includes(wanted);
}

function draw(status) {
  latest = status;
  const focused = document.activeElement?.dataset?.address;
  $('state').textContent = status.summary.healthy ? 'All is well' : `${status.problems.length} problem${status.problems.length === 1 ? '' : 's'}`;
  $('state').className = status.summary.healthy ? 'good' : 'bad';
  $('server').textContent = `${status.server} · ${status.at}${paused ? ' · paused' : ''}`;
  $('tiles').replaceChildren(...tiles(status));
  $('problems').replaceChildren(table(['', 'Subject', 'Reason', 'Message'], status.problems.filter(matches).map((one) => [toned(one.severity, one.severity === 'error' ? 'bad' : 'wait'), one.subject, one.reason, one.message]), 'None.'));
  $('nodes').replaceChildren(...status.nodes.filter(matches).map(node));
  $('floating').replaceChildren(table(['Name', 'Addresses', 'Node', 'ENI', 'Elastic IP', 'Since', 'State'], status.floatingIps.filter(matches).map((one) => [one.name, one.addresses.join(' '), one.node || '–', one.eni, one.publicIp, one.since, toned(one.served ? 'served' : `${one.reason}: ${one.message}`, one.served ? 'good' : 'bad')]), 'No FloatingIPs.'));
  $('eips').replaceChildren(table(['Public IP', 'Holder', 'Node', 'Private IP', 'State'], status.elasticIps.filter(matches).map((one) => [one.publicIp || '–', one.holder, one.node, one.privateIp, toned(one.reason ? `${one.state}: ${one.reason}` : one.state, one.state === 'refused' ? 'bad' : one.state === 'pending' ? 'wait' : 'good')]), 'No Elastic IPs.'));
  $('events').replaceChildren(table(['Time', 'Subject', 'Reason', 'Message'], status.events.filter(matches).slice(0, 60).map((one) => [one.at, one.subject, toned(one.count > 1 ? `${one.reason} ×${one.count}` : one.reason, one.type === 'Warning' ? 'wait' : ''), one.message]), 'No Events.'));
  if (focused) document.querySelector(`[data-address="${CSS.escape(focused)}"]`)?.focus();
}

async function look() {
  if (!paused) {
    try {
      const response = await fetch('api/status');
      const body = await response.json();
      if (!response.ok) throw new Error(body.error);
      draw(body);
    } catch (error) {
      $('state').textContent = `Cannot read the cluster: ${error.message}`;
      $('state').className = 'bad';
    }
  }
  setTimeout(look, INTERVAL_MS);
}

document.addEventListener('focusin', ({ target }) => {
  if (target.dataset?.address) $('detail').textContent = target.title;
});
document.addEventListener('mouseover', ({ target }) => {
  if (target.dataset?.address) $('detail').textContent = target.title;
});
document.addEventListener('keydown', (event) => {
  const typing = event.target === $('filter');
  if (event.key === 'Escape') $('filter').blur();
  if (typing) return;
  if (event.key === '/') {
    event.preventDefault();
    $('filter').focus();
  }
  if (event.key === 'p') {
    paused = !paused;
    if (latest) draw(latest);
  }
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step) {
    const all = [...document.querySelectorAll('#nodes button.slot')];
    const next = all[all.indexOf(document.activeElement) + step];
    next?.focus();
  }
});
$('filter').addEventListener('input', () => latest && draw(latest));
void look();
