import { coarseMs, leastTold } from '../base/coarse.js';
import { hourMs, minuteMs } from '../base/units.js';

/** `2026-11-27 12:30 UTC`. */
export const timeText = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** `12:30 UTC`. */
export const clockText = (at: number): string => `${new Date(at).toISOString().slice(11, 16)} UTC`;

/** `11-27 12:00`. */
export const hourText = (at: number): string => new Date(at).toISOString().slice(5, 16).replace('T', ' ');

/** `1,200`; `fewer than 10`. */
export const countText = (count: number): string =>
  count < leastTold ? `fewer than ${leastTold}` : `${count}`.replace(/\B(?=(\d{3})+$)/g, ',');

export const percentText = (part: number): string => `${Math.round(100 * part)} %`;

/** `40 minutes`, `2 hours`. */
export const spanText = (ms: number): string => {
  if (ms < 2 * hourMs) return `${Math.round(ms / minuteMs)} minutes`;
  return ms < 48 * hourMs ? `${Math.round(ms / hourMs)} hours` : `${Math.round(ms / hourMs / 24)} days`;
};

/** What is only known to be shorter than that. */
export const withinText = (ms: number): string => (ms <= coarseMs ? 'within 10 minutes' : `within ${spanText(ms)}`);

/** `7.2 bits`: one of so many. */
export const bitsText = (bits: number | undefined): string =>
  bits === undefined ? 'unknown' : `${bits.toFixed(1)} bits, like one of ${Math.round(2 ** bits)}`;

/** What waits, by the name that `Look.waiting` has for it. */
export const waitingWords: Readonly<Record<string, string>> = {
  pool: 'Packets in the pool',
  outgoing: 'Mails waiting for the server',
  'open messages': 'Messages not yet whole',
  'messages waiting': 'Your messages: waiting',
  'messages in the network': 'Your messages: in the network',
  'messages delivered': 'Your messages: delivered, in seven days',
  'messages failed': 'Your messages: failed, in seven days',
  members: 'Nodes that have proven their mailbox',
  candidates: 'Nodes that wait to be asked',
};

/** Why something was not taken, held back or had to be tried again; by the names of the log. */
export const dropWords: Readonly<Record<string, string>> = {
  'mix/packet/replayed': 'Packet seen before: mails sent twice after a cut link, or somebody replays',
  'mix/packet/bad-mac': 'Packet damaged, or for a key that is over',
  'mix/packet/bad-command': 'Packet that no sender of this version makes',
  'mix/packet/bad-payload': 'Packet changed on its way',
  'mix/packet/unexpected': 'Packet with a delay over 7 days, or a reply for what is no address',
  'mix/packet/unknown-loop': 'Packet that says it is a loop of this node, and is none',
  'mix/packet/unknown-next-hop': 'Packet whose next hop was not in the list for three weeks',
  'mix/packet/not-an-exit': 'Packet that ends here, at a node that is no exit',
  'mix/packet/mailbox-full': 'Reply, while 2,000 ends of replies wait already',
  'mix/packet/pool-crowded': 'Packet that wants to wait long, in a crowded pool',
  'mix/message/bad-fragment': 'Fragment that no sender of this version makes',
  'mix/message/bad-envelope': 'Message that no sender of this version makes',
  'mix/message/bad-recipient': 'Message for what is no recipient',
  'mix/message/not-encrypted': 'Message in clear',
  'mix/message/too-large': 'Message over the limit of size',
  'mix/message/too-many': 'Message over the limit of open messages',
  'mix/message/already-known': 'Fragment that was there',
  'mix/message/expired': 'Message given up: a fragment never came',
  'mix/mail/over-backlog': 'Mail of a flood, removed unread',
  'mix/mail/over-quota': 'Mail removed unread because the mailbox is nearly full',
  'mix/delivery/no-room': 'Message not taken: too many wait to be delivered',
  'mix/reply/expired': 'Answer whose reply blocks are over',
  'mix/reply/too-large': 'Answer too large for its reply blocks',
  'mix/reply/not-encrypted': 'Answer in clear',
  'mix/reply/no-room': 'Return address not kept: 10,000 reply blocks are',
  'mix/answer/no-way': 'Reply block whose first node is not in the list',
  'mix/cover/no-path': 'Flush without cover: the list has no way around',
  'mix/budget/cover-shed': 'Flush with less cover: the account has no mails left for it',
  'mix/budget/ways-held': 'Next hop that waits: the account has no mails left for it',
  'post/refused': 'Mail refused by the server',
  'post/unknown': 'Mail whose hand-over broke off; sent again',
  'post/waited-too-long': 'Mail to a person, given up after 54 hours',
  'post/later-connect': 'Mail later: no connection to the server',
  'post/later-timeout': 'Mail later: the server did not answer in time',
  'post/later-tls': 'Mail later: no TLS',
  'post/later-login': 'Mail later: log-in refused',
  'post/later-temporary': 'Mail later: the server said so',
  'post/later-limit': 'Mail later: the server spoke of a limit',
  'collect/damaged': 'Packet in the mailbox that could not be opened',
  'directory/useless': 'Document of the directory that was of no use',
};

/** Whether that count is of something that should not have happened. */
export const isDrop = (name: string): boolean =>
  dropWords[name] !== undefined || /^mix\/(?:packet|message|mail)\/|^post\/later-/.test(name);
