import { describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { ascii, latin1 } from '../../src/base/bytes.js';
import { seededRng } from '../../src/base/random.js';
import { composeCarrierMail, sliceCarrierMail } from '../../src/carrier/carrier.js';
import { asFrom, writtenFrom } from '../../src/carrier/sender.js';
import { geometry } from '../../src/sphinx/geometry.js';

const [first, second] = ['mix@one.test', 'Mix.2@two.test'];
const now = Date.UTC(2026, 0, 15, 12);

/** Header lines, and the rest. */
const taken = (raw: Uint8Array): readonly [readonly string[], string] => {
  const [head = '', ...body] = latin1(raw).split('\r\n\r\n');
  return [head.split('\r\n'), body.join('\r\n\r\n')];
};

describe('a mail that leaves from another account', () => {
  const rng = () => seededRng(new Uint8Array(32).fill(3));
  const packet = new Uint8Array(geometry.packetBytes).fill(geometry.version, 0, 1);
  const packets = (from: string): Uint8Array =>
    composeCarrierMail({ from, to: 'next@far.test', bundle: packet, now, rng: rng() }, nodeBase64);

  it('is the one that had been written from there, to the byte', () => {
    expect(asFrom(packets(first), second)).toEqual(packets(second));
    expect(sliceCarrierMail(asFrom(packets(first), second), nodeBase64)).toHaveLength(1);
  });

  it('may have been written from any address, and stays as it is if that is the one it leaves from', () => {
    expect(asFrom(packets('old@three.test'), second)).toEqual(packets(second));
    expect(asFrom(delivery, first)).toEqual(delivery);
  });

  it('must have been written from one', () => {
    const written = ['', `From: <${first}>`, `from: <${first}>\r\n\r\nx`, `To: <${first}>\r\n\r\nFrom: <${first}>`];
    for (const raw of [...written, `From: <${first}>\r\nFrom: <${second}>\r\n\r\nx`]) {
      expect(writtenFrom(ascii(raw))).toBeUndefined();
      expect(() => asFrom(ascii(raw), second)).toThrow('BUG');
    }
    expect(writtenFrom(delivery)).toBe(first);
  });

  const delivery = ascii(
    [
      `From: <${first}>`,
      'Reply-To: <mix+abcdefghij234567@one.test>',
      'To: <bob@friend.test>',
      'Subject: ...',
      'Message-ID: <00112233445566778899aabbccddeeff@mixmailer.invalid>',
      '',
      `From: <${first}>`,
      'Reply-To: <mix+abcdefghij234567@one.test>',
      `Message-ID: <1@one.test>`,
      '',
      'body',
    ].join('\r\n'),
  );

  it('asks for no answer to an address of the first account; its Message-ID, where all exits have the same, and its body stay', () => {
    const [head, body] = taken(asFrom(delivery, second));
    expect(head).toEqual([
      `From: <${second}>`,
      'To: <bob@friend.test>',
      'Subject: ...',
      'Message-ID: <00112233445566778899aabbccddeeff@mixmailer.invalid>',
    ]);
    expect(body).toBe(taken(delivery)[1]);
    expect(latin1(asFrom(delivery, second)).slice(0, 300)).not.toContain('alias');
  });
});
