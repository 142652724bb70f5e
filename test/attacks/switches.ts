/** A countermeasure, and what the program is like without it. */
export interface Switch {
  /** The attack it answers. */
  readonly name: string;
  /** The countermeasure, in words. */
  readonly what: string;
  /** The module, from the root of the repository. */
  readonly file: string;
  /** Source text that occurs exactly once in that file. */
  readonly find: string;
  readonly replace: string;
  /** The test that has to fail without it. */
  readonly test: string;
}

const attacks = 'test/attacks';

export const switches: readonly Switch[] = [
  {
    name: 'replay',
    what: 'a tag that is known drops its packet',
    file: 'src/node/receive.ts',
    find: 'if (!store.addReplayTag(result.keyId, result.unwrapped.replayTag)) {',
    replace: 'if (!store.addReplayTag(result.keyId, result.unwrapped.replayTag) && Number.isNaN(now)) {',
    test: `${attacks}/replay.test.ts`,
  },
  {
    name: 'replay, tags that outlive nothing',
    what: 'tags are kept as long as their key',
    file: 'src/node/mix-node.ts',
    find: 'store.forgetReplayTagsBut(living.map(({ keyId }) => keyId))',
    replace: 'store.forgetReplayTagsBut(living.slice(1).map(({ keyId }) => keyId))',
    test: `${attacks}/replay.test.ts`,
  },
  {
    name: 'tagging, header',
    what: 'a MAC over every byte of the header',
    file: 'src/sphinx/header.ts',
    find: 'if (!equalBytes(mac, header.subarray(at.mac, at.routing))) throw',
    replace: 'if (!equalBytes(mac.subarray(0, 0), header.subarray(0, 0))) throw',
    test: `${attacks}/tagging.test.ts`,
  },
  {
    name: 'tagging, payload',
    what: '32 zero bytes that a changed payload does not have',
    file: 'src/sphinx/packet.ts',
    find: 'for (const byte of left) difference |= byte;',
    replace: 'for (const byte of left) difference &= byte;',
    test: `${attacks}/tagging.test.ts`,
  },
];
