import { describe, expect, it } from 'vitest';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.js';
import { Published } from '../../src/node/published.js';
import type { MixStore } from '../../src/ports/mix-store.js';

const [one, two, three] = ['one@mix.test', 'two@mix.test', 'three@mix.test'] as const;
const startAt = Date.UTC(2026, 0, 15);

const node = (
  store: MixStore = sqliteMixStore(':memory:'),
  addresses: readonly string[] = [one, two, three],
  pollMs = 0,
) => {
  const warnings: string[] = [];
  const log = { info: () => undefined, warn: (event: string) => void warnings.push(event) };
  return { store, warnings, published: new Published({ store, addresses, pollMs, log }) };
};

describe('the address that packets are sent to', () => {
  it('is the first account’s as long as its mailbox can be read, and for two hours after that', () => {
    const { published, warnings } = node();
    expect(published.at(startAt)).toBe(one);
    published.read(one, startAt + hourMs);
    published.read(two, startAt + 3 * hourMs);
    expect(published.at(startAt + 3 * hourMs - 1)).toBe(one);
    expect(warnings).toEqual([]);
  });

  it('becomes that of one that can be read, stays so when the first is back, and is kept', () => {
    const { store, published, warnings } = node();
    published.at(startAt);
    published.read(three, startAt + 2 * hourMs);
    expect(published.at(startAt + 2 * hourMs)).toBe(three);
    published.read(one, startAt + 2 * hourMs + minuteMs);
    expect(published.at(startAt + 2 * hourMs + minuteMs)).toBe(three);
    expect(warnings).toEqual(['announce/other-address']);
    // Of a process that has just begun nothing is known yet.
    const again = node(store).published;
    expect(again.at(startAt + dayMs)).toBe(three);
    again.read(one, startAt + dayMs + 2 * hourMs);
    expect(again.at(startAt + dayMs + 2 * hourMs)).toBe(one);
  });

  it('stays while its mailbox is only read seldom, as configured', () => {
    const { published } = node(sqliteMixStore(':memory:'), [one, two], dayMs);
    published.read(one, startAt);
    published.at(startAt);
    published.read(two, startAt + dayMs);
    expect(published.at(startAt + dayMs + 2 * hourMs - 1)).toBe(one);
    expect(published.at(startAt + dayMs + 2 * hourMs)).toBe(two);
  });

  it('stays where no mailbox can be read', () => {
    const { published } = node();
    published.read(two, startAt);
    expect(published.at(startAt)).toBe(one);
    expect(published.at(startAt + 5 * dayMs)).toBe(one);
  });

  it('is the first one’s again when the account is no longer the node’s', () => {
    const { store, published } = node();
    published.at(startAt);
    published.read(two, startAt + 2 * hourMs);
    expect(published.at(startAt + 2 * hourMs)).toBe(two);
    expect(node(store, [one, three]).published.at(startAt + 3 * hourMs)).toBe(one);
  });

  it('is not given up because the clock was set back', () => {
    const { published } = node();
    published.at(startAt);
    published.read(one, startAt);
    published.read(two, startAt - 5 * hourMs);
    expect(published.at(startAt - 5 * hourMs)).toBe(one);
    expect(published.at(startAt - 4 * hourMs)).toBe(one);
  });
});
