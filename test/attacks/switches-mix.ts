import { entry, type Switch } from './switch.js';

/** Of packets, pools, paths and lists. */
export const mixSwitches: readonly Switch[] = [
  entry(
    'replay',
    'a tag that is known drops its packet',
    [
      'node/keep.ts',
      'if (!store.addReplayTag(result.keyId, result.unwrapped.replayTag)) {',
      'if (!store.addReplayTag(result.keyId, result.unwrapped.replayTag) && Number.isNaN(now)) {',
    ],
    'replay',
  ),
  entry(
    'replay in the days of grace',
    'tags live as long as their key',
    [
      'node/mix-node.ts',
      'store.forgetReplayTagsBut(living.map(({ keyId }) => keyId))',
      'store.forgetReplayTagsBut(living.slice(1).map(({ keyId }) => keyId))',
    ],
    'replay',
  ),
  entry(
    'tagging of the header',
    'a MAC over every byte of it',
    [
      'sphinx/header.ts',
      'if (!equalBytes(mac, header.subarray(at.mac, at.routing))) throw',
      'if (!equalBytes(mac, mac.slice())) throw',
    ],
    'tagging',
  ),
  entry(
    'tagging of the payload',
    '32 zero bytes that no changed payload has',
    [
      'sphinx/packet.ts',
      'for (const byte of left) difference |= byte;',
      'for (const byte of left) difference &= byte;',
    ],
    'tagging',
  ),
  entry(
    'comparing bytes of what comes in and goes out',
    'each hop takes a layer off the payload',
    ['sphinx/sprp.ts', 'return [l0, crypto.stream(xor32(l0, k1), r1)];', 'return [l2, r2];'],
    'linkage',
  ),
  entry(
    'telling packets of different kinds apart',
    'a real KEM ciphertext in those for mailboxes',
    [
      'sphinx/mailbox.ts',
      'header.set(surbId, at.mac);',
      'header.set(surbId, at.mac); header.set(rng(at.mac - at.ciphertext), at.ciphertext);',
    ],
    'kinds',
  ),
  entry(
    'telling mails of different kinds apart',
    'mails of a flush in random order',
    [
      'post/bundles.ts',
      'of shuffled(rng, [...leaving.values()])) {',
      "of [...shuffled(rng, [...leaving.values()])].sort((a, b) => (a.way.kind === b.way.kind ? 0 : a.way.kind === 'mailbox' ? -1 : 1))) {",
    ],
    'kinds-in-mails',
  ),
  entry(
    'n-1',
    'a node whose loops stay out holds its pool',
    ['mix/heartbeat.ts', 'return { ...heart, holding: true,', 'return { ...heart, holding: false,'],
    'n-1',
  ),
  entry(
    'a flood of mails to be handed over',
    'an exit takes no more of them than leave it soon',
    ['node/shape.ts', 'Math.max(leastDeliveryBacklog, most);', '1e9 * Math.max(leastDeliveryBacklog, most);'],
    'flood-exit',
  ),
  entry(
    'sybil',
    'places of a domain among those who wait are bounded',
    ['directory/gather.ts', 'if (ofSite >= mostCandidatesPerSite) return false;', ''],
    'sybil',
  ),
  {
    ...entry(
      'sybil that answers every challenge',
      'places in the list are bounded by operator and domain',
      ['council/admission.ts', 'groups.some((one) => (counts.get(one) ?? 0) >= mostPerOperator) ||', ''],
      'sybil',
    ),
    only: 'whose owner answers',
  },
  {
    ...entry(
      'sybil that is asked in vain',
      'no more of an operator are asked than twice what a list can hold',
      ['directory/gather.ts', 'quota.allows(name) && (held.get(name) ?? 0) < most;', 'quota.allows(name) && most > 0;'],
      'sybil',
    ),
    only: 'whose owner answers',
  },
  entry(
    'marks in a mail, seen on the way',
    'key ids are blanked',
    ['message/openpgp.ts', "naming === 'hide' ? anonymous(packet) : packet", "naming === 'hide' ? packet : packet"],
    'canary',
  ),
  entry(
    'marks in a mail, seen by its receiver',
    'of the OpenPGP data nothing but the message is kept',
    ['message/openpgp.ts', "naming === 'hide' ? anonymous(packet) : packet", "naming === 'hide' ? packet : packet"],
    'header-canary',
  ),
  entry(
    'an exit that looks for the sender',
    'no node of the exit’s operator on a way back',
    [
      'client/blocks.ts',
      "senderProvider: provider,\n      recipientDomains: [rules.senderProvider],\n      allow: rules.allow,\n      lastRole: 'mix',\n      from: nodeId,",
      "senderProvider: 'nobody.invalid',\n      recipientDomains: [],\n      allow: rules.allow,\n      lastRole: 'mix',",
    ],
    'exit-knows-nothing',
  ),
  entry(
    'an old list',
    'numbers only grow',
    ['follow/accept.ts', 'consensus.number <= newest.number)', 'consensus.number < 0)'],
    'lists',
  ),
  entry(
    'a vote that comes after the secrets',
    'what the others had not seen does not count',
    ['directory/counted.ts', 'return others.length >= needed;', 'return others.length >= 0 * needed;'],
    'authorities',
  ),
  {
    ...entry(
      'a message lost in silence',
      'what nobody confirms is sent again',
      [
        'client/send.ts',
        'const due = [...again, ...store.queuedMessages()];',
        'const due = [...again.slice(again.length), ...store.queuedMessages()];',
      ],
      'loss',
    ),
    only: 'whose only exit is dead',
  },
];
