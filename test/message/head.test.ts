import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, fromLatin1, latin1 } from '../../src/base/bytes.js';
import { messageIdIn, messageIdsIn, readHead, valuesOf } from '../../src/message/head.js';

const read = (text: string) => {
  const raw = fromLatin1(text);
  const head = readHead(raw);
  return {
    fields: head.fields.map(({ name, value }) => [name, value]),
    raws: head.fields.map(({ raw: of }) => latin1(of)),
    body: latin1(raw.subarray(head.bodyAt)),
  };
};

describe('the header of a mail', () => {
  test('is read field by field, up to the first empty line', () => {
    const { fields, body } = read('From: a@x.example\r\nSUBJECT:two  words \r\nX-Empty:\r\n\r\nTo: no field\r\n');
    expect(fields).toEqual([
      ['from', 'a@x.example'],
      ['subject', 'two  words'],
      ['x-empty', ''],
    ]);
    expect(body).toBe('To: no field\r\n');
  });

  test('may end its lines with LF, and be folded by spaces and tabs', () => {
    const { fields, raws, body } = read('Subject: one\n two\n\tthree\nReferences:\n <a@b>\n\nbody');
    expect(fields).toEqual([
      ['subject', 'one two\tthree'],
      ['references', '<a@b>'],
    ]);
    expect(raws).toEqual(['Subject: one\n two\n\tthree\n', 'References:\n <a@b>\n']);
    expect(body).toBe('body');
  });

  test('is the whole mail where nothing ends it', () => {
    expect(read('From: a@x.example')).toEqual({
      fields: [['from', 'a@x.example']],
      raws: ['From: a@x.example'],
      body: '',
    });
    expect(read('')).toEqual({ fields: [], raws: [], body: '' });
    expect(read('\r\nbody').body).toBe('body');
  });

  test('has a bounded number of fields, and its body behind all of them', () => {
    const { fields, body } = read(`${'a:\r\n'.repeat(3000)}To: b@x.example\r\n\r\nbody`);
    expect(fields).toHaveLength(2000);
    expect(body).toBe('body');
  });

  test('has no field in a line that is none', () => {
    const { fields, body } = read(
      'From a@x.example Mon Jan  5 13:00:00 2026\r\n folded: into nothing\r\nno colon\r\nwith space: x\r\n: y\r\n\xe4: z\r\nTo: b@x.example\r\n\r\nbody',
    );
    expect(fields).toEqual([['to', 'b@x.example']]);
    expect(body).toBe('body');
  });

  test('keeps bytes that are no ASCII, and white space within UTF-8', () => {
    expect(read('Subject: \xc3\xa0 la carte \xc3\xa0\r\n\r\n').fields).toEqual([
      ['subject', '\xc3\xa0 la carte \xc3\xa0'],
    ]);
  });

  test('keeps a bare CR where it is: it ends nothing', () => {
    expect(read('Subject: a\rTo: b@x.example\r\n\r\n').fields).toEqual([['subject', 'a\rTo: b@x.example']]);
  });

  test('is looked at for 256 KiB; where it goes on behind them there is no body', () => {
    const line = `X-Filler: ${'x'.repeat(1000)}\r\n`;
    const { fields, body } = read(`${line.repeat(300)}To: b@x.example\r\n\r\nbody`);
    expect(fields.length).toBeLessThan(262);
    expect(fields.some(([name]) => name === 'to')).toBe(false);
    expect(body).toBe('');
  });

  test('of any bytes is read: what is kept stands in it, in order, and the body is its end', () => {
    const piece = fc.constantFrom('From: a\r\n', 'To:b\n', ' folded\r\n', '\r\n', '\n', 'x', ':', '\r', '\0', '\xff');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const raw = fromLatin1(pieces.join(''));
        const { fields, bodyAt } = readHead(raw);
        let at = 0;
        for (const { name, value, raw: of } of fields) {
          expect(name).toMatch(/^[!-9;-~]+$/);
          expect(value).not.toContain('\n');
          at = latin1(raw).indexOf(latin1(of), at) + of.length;
        }
        expect(at).toBeLessThanOrEqual(bodyAt);
        expect(concat(raw.subarray(0, bodyAt), raw.subarray(bodyAt))).toEqual(raw);
      }),
      { numRuns: 2000 },
    );
  });
});

test('values of a field are those of that name, in order', () => {
  const head = readHead(fromLatin1('Received: 1\r\nTo: x\r\nreceived: 2\r\n\r\n'));
  expect(valuesOf(head, 'received')).toEqual(['1', '2']);
  expect(valuesOf(head, 'cc')).toEqual([]);
});

test('message ids are what stands between angle brackets, without spaces, and short enough for a line', () => {
  expect(messageIdsIn('<a@b> (comment) "x" <c@d><e>')).toEqual(['<a@b>', '<c@d>', '<e>']);
  expect(messageIdsIn('<a b@c> <> <\xe4@b> <a@b\r\nBcc: x> a@b <open')).toEqual([]);
  expect(messageIdsIn(`<${'x'.repeat(898)}> <${'x'.repeat(899)}>`)).toEqual([`<${'x'.repeat(898)}>`]);
});

test('a mail is named by the first Message-ID it has that is well-formed', () => {
  const named = (text: string) => messageIdIn(readHead(fromLatin1(text)));
  expect(named('Message-ID: none\r\nReferences: <0@x>\r\nMessage-ID: (x) <1@x> <2@x>\r\n\r\n')).toBe('<1@x>');
  expect(named('Subject: <1@x>\r\n\r\nMessage-ID: <2@x>\r\n')).toBeUndefined();
});
