import type { MailboxObject } from 'imapflow';
import { describe, expect, it } from 'vitest';
import { Numberings } from '../../src/adapters/imap-numbering.js';

const inbox = (uidNext: number, uidValidity = 7n): MailboxObject =>
  ({ path: 'INBOX', uidValidity, uidNext }) as MailboxObject;

describe('the numbering of a folder', () => {
  it('is named by UIDVALIDITY, however many mails come', () => {
    const numberings = new Numberings();
    const seen = [10, 10, 12, 500].map((uidNext) => numberings.nameOf(inbox(uidNext)));
    expect(seen).toEqual(['7', '7', '7', '7']);
    expect(numberings.nameOf(inbox(2, 8n))).toBe('8');
  });

  it('is another one when numbers begin anew, each time', () => {
    const numberings = new Numberings();
    const seen = [10, 3, 4, 10, 12, 11].map((uidNext) => numberings.nameOf(inbox(uidNext)));
    expect(seen).toEqual(['7', '7/1', '7/1', '7/1', '7/1', '7/2']);
  });

  it('is another one for a process that has read further before', () => {
    const reached = { uidValidity: '7', uid: 9 };
    expect(new Numberings().nameOf(inbox(10), reached)).toBe('7');
    expect(new Numberings().nameOf(inbox(9), reached)).toBe('7/1');
    expect(new Numberings().nameOf(inbox(9, 8n), reached)).toBe('8');
  });

  it('keeps its name over a restart, and tells one reader what another one finds out', () => {
    const numberings = new Numberings();
    expect(numberings.nameOf(inbox(10), { uidValidity: '7/2', uid: 9 })).toBe('7/2');
    expect(numberings.nameOf(inbox(10), { uidValidity: '7', uid: 30 })).toBe('7/2');
    expect(numberings.nameOf(inbox(10), { uidValidity: '7/2', uid: 10 })).toBe('7/3');
    expect(numberings.nameOf(inbox(10), { uidValidity: '7/2', uid: 5 })).toBe('7/3');
  });

  it('is its own in each folder', () => {
    const numberings = new Numberings();
    expect(numberings.nameOf(inbox(10))).toBe('7');
    expect(numberings.nameOf({ ...inbox(3), path: 'Junk' })).toBe('7');
    expect(numberings.nameOf(inbox(10))).toBe('7');
  });
});
