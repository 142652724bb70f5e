import { describe, expect, it } from 'vitest';
import { dayMs, hourMs } from '../../src/base/units.js';
import { mostListBytes, mostUnaskedBytes } from '../../src/base/bounds.js';
import { makeDiff } from '../../src/council/diff.js';
import { keptNetwork } from '../../src/follow/kept-network.js';
import { readRequest } from '../../src/council/request.js';
import { followedBounds } from '../../src/follow/follow.js';
import { publishedDiff, publishedEndorsements, publishedList } from '../../src/follow/published.js';
import type { FetchUrl } from '../../src/ports/follow.js';
import { fakeFetchUrl } from '../fakes/fetch-url.js';
import { now } from '../route/nodes.js';
import { documentsOf, followWorld } from './follower.js';
import { addressOf, authorityNames, endorsementOf, keyOf, listAfter, listOf, today, trust } from './lists.js';

const first = listOf();
const second = listAfter(first, { nodes: ['mia', 'noa', 'oli'] });
const url = 'https://lists.example/mix';

/** Authorities that have these lists, and answer. */
const setUp = () => {
  const world = followWorld();
  const council = authorityNames.map((name) => world.follower(addressOf(name), { prefers: 'authorities' }));
  const publish = (list: typeof first): void => {
    for (const one of council) {
      one.take(list.text);
      for (const name of authorityNames) one.take(endorsementOf(list, name));
    }
  };
  const answer = async (): Promise<void> => {
    for (const one of council) {
      await one.read();
      await one.post();
    }
  };
  return { ...world, council, publish, answer };
};

describe('who follows by mail', () => {
  it('asks at once without a list, gets it whole, and nothing is left in any mailbox', async () => {
    const { mail, publish, answer, follower, now: at } = setUp();
    publish(first);
    const alice = follower('alice@home.example', { answers: undefined });
    await alice.follow();
    await alice.post();
    expect(mail.observed).toHaveLength(1);
    const [asked] = mail.observed;
    expect(authorityNames.map(addressOf)).toContain(asked?.to);
    expect(documentsOf(asked?.raw ?? new Uint8Array()).map(({ text }) => readRequest(text))).toEqual([
      { have: undefined },
    ]);
    await answer();
    await alice.read();
    expect(alice.directory.network(at()).digest).toBe(first.digest);
    expect(alice.store.endorsements(today)).toHaveLength(3);
    expect(alice.account.mailbox.raws()).toEqual([]);
    expect(mail.observed).toHaveLength(2);
  });

  it('gets the next list as a difference, and compares it once with another source', async () => {
    const { mail, council, publish, answer, follower, setNow } = setUp();
    publish(first);
    // Without nodes to ask, authorities are.
    const alice = follower('alice@home.example', { answers: undefined, seed: 5 });
    for (const name of ['mia', 'noa', 'oli']) mail.account(`mix@${name}.example`);
    alice.take(first.text);
    setNow(now + (dayMs * 7) / 8);
    publish(second);
    const asked: string[] = [];
    for (let step = 0; step < 80; step++) {
      setNow(now + (dayMs * 7) / 8 + (step * dayMs) / 80);
      await alice.follow();
      await alice.post();
      await answer();
      await alice.read();
    }
    for (const { from, to } of mail.observed) if (from === 'alice@home.example') asked.push(to);
    expect(alice.directory.network(now + dayMs + hourMs).digest).toBe(second.digest);
    // Nodes first, which are silent here; then an authority; then somebody else for comparison.
    expect(asked.slice(0, 2).every((to) => to.startsWith('mix@'))).toBe(true);
    expect(asked[2]).toMatch(/@council\.example$/);
    expect(new Set(asked).size).toBe(asked.length);
    expect(asked).toHaveLength(4);
    const answers = mail.observed.filter(({ to }) => to === 'alice@home.example').map(({ raw }) => documentsOf(raw));
    expect(answers[0]?.map(({ kind }) => kind)).toEqual(['diff', 'endorsement', 'endorsement', 'endorsement']);
    expect(council).toHaveLength(3);
  });

  it('asks nobody by mail where no answer could be read', async () => {
    const { mail, follower } = setUp();
    const alice = follower('alice@home.example', { receivesMail: false });
    await alice.follow();
    await alice.post();
    expect(mail.observed).toEqual([]);
  });

  it('opens a large mail only from whom it has asked for a list, until that has come or can be of no use', async () => {
    const { follower } = setUp();
    const alice = follower('alice@home.example');
    const mostOf = (from: string | undefined, at: number): number =>
      followedBounds(alice.deps, { from, isAutomatic: false }, at).bytes;
    for (const name of authorityNames) expect(mostOf(addressOf(name), now)).toBe(mostUnaskedBytes);
    await alice.follow();
    const [asked = ''] = alice.store.asks(today).map(({ source }) => source);
    expect(mostOf(asked, now + dayMs - 1)).toBe(mostListBytes);
    expect(mostOf(asked.toUpperCase(), now + dayMs - 1)).toBe(mostListBytes);
    expect(mostOf(asked, now + dayMs)).toBe(mostUnaskedBytes);
    const others = authorityNames.map(addressOf).filter((address) => address !== asked);
    expect(others).toHaveLength(2);
    for (const other of [...others, 'eve@bad.example', undefined]) expect(mostOf(other, now)).toBe(mostUnaskedBytes);
    // With the list at hand only who was asked lately whether it has the same may still answer.
    alice.take(first.text);
    expect(mostOf(asked, now + dayMs / 8 - 1)).toBe(mostListBytes);
    expect(mostOf(asked, now + dayMs / 8)).toBe(mostUnaskedBytes);
  });

  it('asks each time only after that is remembered: killed between, it asks no second time', async () => {
    const { follower } = setUp();
    const alice = follower('alice@home.example');
    await alice.follow();
    await alice.follow();
    expect(alice.store.outgoingCount()).toBe(1);
    expect(alice.store.asks(today)).toHaveLength(1);
  });
});

describe('who follows a web server', () => {
  const files = new Map([
    [`${url}/${publishedList}`, second.text],
    [`${url}/${publishedEndorsements}`, authorityNames.map((name) => endorsementOf(second, name)).join('')],
    [`${url}/${publishedDiff(first.digest)}`, makeDiff(first.text, second.text)],
  ]);
  const setUpWeb = (fetchUrl: FetchUrl) => {
    const world = followWorld();
    world.setNow(now + dayMs + hourMs);
    const followed = { authorities: [], threshold: 2, periodMs: dayMs, urls: [url] };
    const keys = authorityNames.map((name) => ({ key: keyOf(name), address: addressOf(name) }));
    const alice = world.follower('alice@home.example', {
      fetchUrl,
      receivesMail: false,
      followed: { ...followed, authorities: keys },
    });
    return { ...world, alice };
  };

  it('gets the whole list at first', async () => {
    const web = fakeFetchUrl(files);
    const { alice } = setUpWeb(web.fetchUrl);
    await alice.follow();
    expect(web.asked).toEqual([`${url}/${publishedList}`]);
    expect(alice.store.consensuses().map(({ digest }) => digest)).toEqual([second.digest]);
  });

  it('gets a difference when it has a list', async () => {
    const web = fakeFetchUrl(files);
    const { alice, setNow } = setUpWeb(web.fetchUrl);
    setNow(now);
    alice.take(first.text);
    setNow(now + dayMs + dayMs / 2);
    await alice.follow();
    setNow(now + dayMs + (dayMs * 5) / 8);
    await alice.follow();
    expect(web.asked).toEqual([`${url}/${publishedDiff(first.digest)}`, `${url}/${publishedEndorsements}`]);
    expect(alice.store.consensuses()[0]?.digest).toBe(second.digest);
  });

  it('gets no list that it has', async () => {
    const web = fakeFetchUrl(files);
    const { alice, setNow } = setUpWeb(web.fetchUrl);
    alice.take(second.text);
    await alice.follow();
    setNow(now + dayMs + (dayMs * 3) / 4);
    await alice.follow();
    expect(web.asked).toEqual([`${url}/${publishedDiff(second.digest)}`, `${url}/${publishedEndorsements}`]);
    expect(alice.store.endorsements(today + 1)).toHaveLength(3);
  });

  it('goes on when the server is away, lies or sends anything', async () => {
    for (const broken of [
      () => ({ kind: 'failed', why: 'connect' }) as const,
      () => ({ kind: 'missing' }) as const,
      () => ({ kind: 'found', bytes: Uint8Array.of(255, 0, 10, 200) }) as const,
      () => ({ kind: 'found', bytes: new TextEncoder().encode(first.text.replaceAll('data ', 'date ')) }) as const,
    ]) {
      const { alice } = setUpWeb(() => Promise.resolve(broken()));
      await alice.follow();
      expect(alice.store.consensuses()).toEqual([]);
    }
  });
});

describe('who follows a file', () => {
  it('takes the list that somebody puts there', async () => {
    const { follower, now: at } = followWorld();
    const texts = [undefined, `Dear Alice,\r\n\r\n${first.text.replaceAll('\n', '\r\n')}`, undefined];
    const alice = follower('alice@home.example', { receivesMail: false, files: [() => texts.shift()] });
    await alice.follow();
    expect(alice.store.consensuses()).toEqual([]);
    await alice.follow();
    expect(alice.directory.network(at()).digest).toBe(first.digest);
    await alice.follow();
  });
});

describe('a directory', () => {
  it('counts signatures for those who are trusted now', () => {
    const { follower, now: at } = followWorld();
    const alice = follower('alice@home.example');
    alice.take(listOf({ signers: ['ann', 'ben'] }).text);
    expect(alice.directory.network(at())).toBe(alice.directory.network(at()));
    const [ann = '', , cyd = ''] = trust.authorities;
    const others = keptNetwork(alice.store, { authorities: [ann, cyd], threshold: 2 });
    expect(() => others.network(at())).toThrow(expect.objectContaining({ code: 'route/too-few-signatures' }));
    expect(keptNetwork(alice.store, { authorities: [ann, cyd], threshold: 1 }).network(at()).nodes).toHaveLength(2);
  });
});
