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
  const { nodes, enis, addresses, elasticIps, floatingIps, nodeEnis, agents, ec2 } = summary;
  const quota = elasticIps.quota;
  return [
    tile('Nodes', `${nodes.ready}/${nodes.total}`, `${nodes.withAgent} with an agent`, nodes.ready < nodes.total ? 'wait' : ''),
    tile('ENI slots', enis.slots ? `${enis.slots.used}/${enis.slots.limit}` : '–', `${enis.total} ENIs`),
    tile('Addresses', addresses.assigned, 'assigned', 'good'),
    tile('Pending', addresses.pending, 'waiting for EC2', addresses.pending ? 'wait' : ''),
    tile('Refused', addresses.refused, Object.entries(addresses.refusedByReason).map(([reason, count]) => `${reason} ${count}`).join(', '), addresses.refused ? 'bad' : ''),
    tile('Elastic IPs', quota ? `${quota.used}/${quota.limit ?? '?'}` : elasticIps.bound, quota ? 'of the quota' : 'bound'),
    tile('FloatingIPs', `${floatingIps.served}/${floatingIps.total}`, 'served', floatingIps.served < floatingIps.total ? 'bad' : ''),
    ...(nodeEnis.objects === 0 ? [] : [tile('NodeENIs', `${nodeEnis.attached}/${nodeEnis.desired}`, `attached; ${nodeEnis.ready} with their link ready`, nodeEnis.failed ? 'bad' : nodeEnis.attached < nodeEnis.desired ? 'wait' : '')]),
    tile('EC2 calls', ec2 === null ? '–' : ec2.throttled.length === 0 ? 'free' : `${ec2.waiting} wait`, ec2 === null ? 'not known' : ec2.throttled.length === 0 ? 'not throttled' : `throttled: ${ec2.throttled.join(', ')}`, ec2?.throttled.length ? 'bad' : ''),
    tile('Agents', `${agents.ready}/${agents.total}`, Object.keys(agents.versions).join(', '), agents.ready < agents.total ? 'wait' : ''),
  ];
}

function slot({ address, primary, publicIp, holder }) {
  const kind = primary ? 'primary' : holder === undefined ? 'unknown' : holder.startsWith('FloatingIP') ? 'vip' : 'pod';
  const words = `${address} · ${primary ? 'primary address' : holder ?? 'no known holder'}${publicIp ? ` · Elastic IP ${publicIp}` : ''}`;
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
  return element('article', { className: 'card', node: name }, element('header', {}, element('h3', { text: name }), element('span', { className: tone, text: state })), element('div', { className: 'dim', text: [instanceType, zone].filter(Boolean).join(' · ') }), ...(enis.length === 0 ? [element('p', { className: 'dim', text: agent === 'missing' ? 'No agent runs here, and no pod names an ENI.' : 'Its agent has not answered: its ENIs are not known.' })] : enis.map(eni)));
}

function table(head, rows, none) {
  if (rows.length === 0) return element('p', { className: 'dim', text: none });
  // A name or a time in one piece: browsers break them at their hyphens.
  const isWord = (text) => text.length <= 32 && !text.includes(' ');
  const plain = (text) => element('td', { className: isWord(text) ? 'word' : '', text });
  const cells = (row) => element('tr', {}, ...row.map((cell) => (cell instanceof Node ? cell : plain(String(cell ?? '')))));
  return element('table', {}, element('thead', {}, element('tr', {}, ...head.map((text) => element('th', { text })))), element('tbody', {}, ...rows.map(cells)));
}

/** The last moves of a FloatingIP, newest first, as the Events on it say. */
function movesOf(name, events) {
  const moves = events.filter(({ subject, reason }) => subject === `FloatingIP ${name}` && (reason === 'AddressMoved' || reason === 'AddressAssigned'));
  return moves.slice(0, 3).map(({ at, message }) => `${clock(at)} ${message}`).join('\n') || '–';
}

const clock = (at) => (at ? new Date(at).toLocaleTimeString([], { hour12: false }) : '');

/** A dot for each takeover, refusal and release of the last hour. */
function strip({ at, events }) {
  const span = 3_600_000;
  // The oldest first: the arrow keys go with the time.
  const shown = events.filter((one) => matches(one) && Date.parse(at) - Date.parse(one.at) < span).toReversed();
  const dots = shown.map((one) => {
    const kind = one.type === 'Warning' ? 'bad' : one.reason === 'AddressMoved' ? 'vip' : one.reason === 'AddressAssigned' || one.reason === 'EIPAssociated' ? 'good' : '';
    const words = `${clock(one.at)} · ${one.subject} · ${one.reason}: ${one.message}`;
    const dot = element('button', { className: kind, title: words, event: one.reason });
    dot.type = 'button';
    dot.setAttribute('aria-label', words);
    dot.style.left = `${2 + 96 * Math.min(1, Math.max(0, 1 - (Date.parse(at) - Date.parse(one.at)) / span))}%`;
    if (one.type === 'Warning') dot.style.top = '1.1rem';
    return dot;
  });
  const label = (text, side) => {
    const made = element('span', { text });
    made.style[side] = '.5rem';
    return made;
  };
  return [...dots, label('an hour ago', 'left'), label(shown.length === 0 ? 'nothing in the last hour · now' : 'now', 'right')];
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
  document.querySelector('main').classList.remove('stale');
  $('tiles').replaceChildren(...tiles(status));
  $('problems').replaceChildren(table(['', 'Subject', 'Reason', 'Message'], status.problems.filter(matches).map((one) => [toned(one.severity, one.severity === 'error' ? 'bad' : 'wait'), one.subject, one.reason, one.message]), 'None.'));
  $('gaps').replaceChildren(...status.gaps.map((text) => element('p', { className: 'dim', text: `Not shown: ${text}` })));
  const nodes = status.nodes.filter(matches);
  $('nodes').replaceChildren(...(nodes.length > 0 ? nodes.map(node) : [element('p', { className: 'dim', text: status.nodes.length === 0 ? 'This cluster has no nodes, or you may not list them.' : 'No node matches the filter.' })]));
  $('floating').replaceChildren(table(['Name', 'Addresses', 'Node', 'ENI', 'Elastic IP', 'Since', 'State', 'Last moves'], status.floatingIps.filter(matches).map((one) => [one.name, one.addresses.join(' '), one.node || '–', one.eni, one.publicIp, one.since, toned(one.served ? 'served' : `${one.reason}: ${one.message}`, one.served ? 'good' : 'bad'), toned(movesOf(one.name, status.events), 'dim lines')]), 'No FloatingIPs.'));
  $('eips').replaceChildren(table(['Public IP', 'Holder', 'Node', 'Private IP', 'State'], status.elasticIps.filter(matches).map((one) => [one.publicIp || '–', one.holder, one.node, one.privateIp, toned(one.reason ? `${one.state}: ${one.reason}` : one.state, one.state === 'refused' ? 'bad' : one.state === 'pending' ? 'wait' : 'good')]), 'No Elastic IPs.'));
  $('strip').replaceChildren(...strip(status));
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
      const gone = error instanceof TypeError;
      $('state').textContent = gone ? 'eni-agent ui does not answer; start it again' : `Cannot read the cluster: ${error.message}`;
      document.querySelector('main').classList.add('stale');
      $('state').className = 'bad';
    }
  }
  setTimeout(look, INTERVAL_MS);
}

document.addEventListener('focusin', ({ target }) => {
  if (target.dataset?.address ?? target.dataset?.event) $('detail').textContent = target.title;
});
document.addEventListener('mouseover', ({ target }) => {
  if (target.dataset?.address ?? target.dataset?.event) $('detail').textContent = target.title;
});
/** Where a key leads to among the slots and dots; from nowhere to the first slot. */
function neighbour(key) {
  const all = [...document.querySelectorAll('#nodes button.slot, #strip button')];
  const here = document.activeElement;
  if (key === 'Home') return all[0];
  if (key === 'End') return all.at(-1);
  const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
  if (step) return all[all.indexOf(here) + step];
  if (key !== 'ArrowDown' && key !== 'ArrowUp') return undefined;
  const rows = [...document.querySelectorAll('.eni .slots')].filter((row) => row.querySelector('button'));
  const row = rows.indexOf(here.closest('.slots')) + (key === 'ArrowDown' ? 1 : -1);
  return rows[row]?.querySelector('button');
}

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
  if (event.key === '?') {
    if ($('keys').open) $('keys').close();
    else $('keys').showModal();
  }
  const next = neighbour(event.key);
  if (next) {
    event.preventDefault();
    next.focus();
  }
});
$('filter').addEventListener('input', () => latest && draw(latest));
void look();
