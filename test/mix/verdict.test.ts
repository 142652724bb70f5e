import { describe, expect, it } from 'vitest';
import { nodeIdOf } from '../../src/base/ids.js';
import { dayMs } from '../../src/base/units.js';
import { judge, type Bench } from '../../src/mix/verdict.js';
import { throughHoldMs } from '../../src/sphinx/commands.js';
import type { Unwrapped } from '../../src/sphinx/packet.js';

const replayTag = new Uint8Array(32).fill(1);
const packet = new Uint8Array(8).fill(2);
const payload = new Uint8Array(8).fill(3);
const [known, stranger] = [nodeIdOf(new Uint8Array(32).fill(4)), nodeIdOf(new Uint8Array(32).fill(5))];
const mix: Bench = { isExit: false, knows: (node) => node === known };
const exit: Bench = { ...mix, isExit: true };

const forward = (delayMs: number, nextHop = known): Unwrapped => ({
  kind: 'forward',
  replayTag,
  nextHop,
  delayMs,
  packet,
});

describe('a mix', () => {
  it('sends a packet on after the delay its sender drew, a week at most', () => {
    for (const delayMs of [0, 1, 7 * dayMs])
      expect(judge(forward(delayMs), mix)).toEqual({
        kind: 'forward',
        nextHop: known,
        delayMs,
        throughHold: false,
        packet,
      });
    expect(judge(forward(7 * dayMs + 1), mix)).toEqual({ kind: 'drop', reason: 'packet/unexpected' });
    expect(judge(forward(throughHoldMs - 1), mix)).toEqual({ kind: 'drop', reason: 'packet/unexpected' });
  });

  it('lets a loop of a node that holds its pool through at once, marked as such', () => {
    expect(judge(forward(throughHoldMs), mix)).toEqual({
      kind: 'forward',
      nextHop: known,
      delayMs: 0,
      throughHold: true,
      packet,
    });
  });

  it('keeps no packet for a node it does not know', () => {
    expect(judge(forward(0, stranger), mix)).toEqual({ kind: 'drop', reason: 'packet/unknown-next-hop' });
    expect(judge(forward(throughHoldMs, stranger), mix)).toEqual({ kind: 'drop', reason: 'packet/unknown-next-hop' });
  });

  it('takes a message only where it is an exit', () => {
    expect(judge({ kind: 'exit', replayTag, payload }, exit)).toEqual({ kind: 'exit', payload });
    expect(judge({ kind: 'exit', replayTag, payload }, mix)).toEqual({ kind: 'drop', reason: 'packet/not-an-exit' });
  });

  it('delivers a reply, exit or not, to a mailbox that can be written to, as the network writes it', () => {
    const surbId = new Uint8Array(16).fill(6);
    const reply = (address: string): Unwrapped => ({ kind: 'to-mailbox', replayTag, surbId, address, payload });
    const verdict = { kind: 'mailbox', address: 'alice@home.test', surbId, payload };
    expect(judge(reply('alice@HOME.test'), mix)).toEqual(verdict);
    expect(judge(reply('alice@home.test'), exit)).toEqual(verdict);
    for (const address of ['alice', 'alice@localhost', '"a b"@home.test'])
      expect(judge(reply(address), mix)).toEqual({ kind: 'drop', reason: 'packet/unexpected' });
  });

  it('knows loops and cover, and answers neither', () => {
    const loopId = new Uint8Array(16).fill(7);
    expect(judge({ kind: 'loop', replayTag, loopId }, mix)).toEqual({ kind: 'loop', loopId });
    expect(judge({ kind: 'drop', replayTag }, mix)).toEqual({ kind: 'cover' });
  });
});
