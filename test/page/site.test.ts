import { describe, expect, it } from 'vitest';
import { hourMs, minuteMs } from '../../src/base/units.js';
import { siteOf } from '../../src/page/site.js';
import { storyNetwork, storyOf, type StoryOptions } from './story.js';
import { manyNodes, networkOf } from '../route/nodes.js';

/** What is read on the page: tags become spaces. */
const textOf = (page: string): string =>
  page
    .replace(/<[^>]*>/g, ' ')
    .replace(/&#39;/g, "'")
    .replace(/\s+/g, ' ');

const pageOf = (options: StoryOptions = {}): string => {
  const { status } = storyOf(options);
  return siteOf({ role: status().role, name: status().name }, status).page('/way/');
};

/** The rows of the table in the element of that id. */
const rowsIn = (page: string, id: string): readonly string[] => {
  const part = page.slice(page.indexOf(`id="${id}"`));
  const body = part.slice(part.indexOf('<tbody>'), part.indexOf('</tbody>'));
  return body
    .split('</tr>')
    .map(textOf)
    .map((row) => row.trim())
    .filter((row) => row !== '');
};

describe('the page of a node', () => {
  const page = pageOf();
  const text = textOf(page);

  it('says how it is, what waits, and what its account has sent', () => {
    expect(text).toContain('At work , as of 2026-11-22 09:30 UTC; began about 2026-11-19 21:30 UTC.');
    expect(text).toContain('ok the mailbox was last read about 10 minutes ago');
    expect(text).toMatch(/Packets in the pool [4-7]0 Mails waiting for the server fewer than 10/);
    expect(text).toMatch(/Mails sent [4-6]00 of 1,200 a day in 24 full hours/);
    expect(text).toContain('Heartbeat 95 % of the loops come home');
    expect(text).toMatch(/Loops take half of them within \d+ minutes nine in ten within \d+ minutes/);
    expect(text).toMatch(/Anonymity of a mail sent now \d\.\d bits, like one of \d+/);
    expect(text).toContain('List of nodes 12 nodes number 7, valid until 2026-11-23 00:00 UTC');
  });

  it('draws each hour that is over, and has its numbers in a table', () => {
    for (const id of ['packets', 'pool', 'loops', 'latency', 'bits', 'mails']) {
      expect(page).toContain(`<figure id="${id}">`);
      expect(rowsIn(page, `${id}-numbers`)).toHaveLength(48);
    }
    expect(rowsIn(page, 'packets-numbers').at(-1)).toMatch(/^11-22 08:00 \d00 \d00$/);
    expect(rowsIn(page, 'latency-numbers').at(-1)).toMatch(/^11-22 08:00 \d+ min \d+ min$/);
    const [line] = /<polyline class="line first" points="([^"]*)"/.exec(page.slice(page.indexOf('id="packets"'))) ?? [];
    expect(line?.split(' ').length).toBeGreaterThan(55);
  });

  it('names why packets were dropped, where there were ten', () => {
    expect(rowsIn(page, 'drops')).toEqual([
      expect.stringMatching(/^Packet damaged, or for a key that is over mix packet\/bad-mac \d0$/),
      expect.stringMatching(/^Packet seen before.* mix packet\/replayed \d0$/),
      expect.stringMatching(/^Mail later: the server said so post later-temporary \d0$/),
    ]);
  });

  it('maps the network by layers and providers, as a drawing and as a table', () => {
    expect(page).toContain('12 nodes in 3 layers of');
    expect([...page.matchAll(/<g class="node/g)]).toHaveLength(11);
    expect([...page.matchAll(/class="way"/g)].length).toBeGreaterThan(8);
    const rows = rowsIn(page, 'map-nodes');
    expect(rows).toHaveLength(12);
    expect(rows).toContainEqual(expect.stringMatching(/^grove \(this node\) [123] mix letters\.example|box\.example/));
    expect(rows.at(-1)).toBe('larch leaving mix pigeon.example 84 % 31 minutes');
  });

  it('says why it is not more exact', () => {
    expect(text).toContain('of fewer than 10 nothing is told; times are those of 10 minutes');
  });

  it('holds no address of a node, no id and no style or script of its own', () => {
    for (const { nodeId, address } of storyNetwork().nodes) {
      expect(page).not.toContain(nodeId.slice(0, 8));
      expect(page).not.toContain(address);
    }
    expect(page).not.toMatch(/ style=| on[a-z]+=|<style|javascript:|https?:\/\/(?!www\.w3\.org)/i);
    expect([...page.matchAll(/<script[^>]*>/g)].map(([tag]) => tag)).toEqual(['<script src="/page.js" defer>']);
  });
});

describe('the page of a client', () => {
  it('tells of messages in the round, and of the floor of the meter', () => {
    const page = pageOf({ role: 'client', floorBits: 20 });
    const text = textOf(page);
    expect(text).toContain('Your messages: waiting fewer than 10');
    expect(text).toContain('Your messages: in the network 10');
    expect(text).toContain('Your messages: delivered, in seven days 60');
    expect(text).toContain('nothing is sent below 20 bits');
    expect(text).toContain('mixmailer queue tells of each message');
    expect(page).toContain('class="limit"');
    expect(page).not.toContain('id="loops"');
  });
});

describe('the page of an authority', () => {
  it('tells of nodes and probes', () => {
    const text = textOf(pageOf({ role: 'authority' }));
    expect(text).toContain('Nodes that have proven their mailbox 10');
    expect(text).toContain('Probes that came home in an hour');
    expect(text).not.toContain('Heartbeat');
  });
});

describe('the page of a process in trouble', () => {
  it('says so in words', () => {
    const story = storyOf({ hours: 1 });
    const heartbeat = { isHolding: true, returned: 0.4, perInterval: 3 };
    const account = { perDay: 33, perHour: 40, perMinute: 15, isYoung: true, isWarned: true };
    story.becomes({ network: undefined, heartbeat, account }, { listUntil: undefined, isTurning: false });
    story.pass(10 * minuteMs);
    const text = textOf(siteOf(story.status(), story.status).parts());
    expect(text).toContain('Standing still , as of');
    expect(text).toContain('WRONG a loop stands still');
    expect(text).toContain('WRONG there is no valid list of nodes');
    expect(text).toContain('too few loops come home: the pool is held');
    expect(text).toContain('Limit 40 an hour; 15 a minute; a third, for the account’s first month; less, since');
    expect(text).toContain('Anonymity of a mail sent now unknown');
    expect(text).toContain('There is no list of nodes yet.');
  });

  it('that has just begun is there, too', () => {
    const site = siteOf({ role: 'node', name: 'a' }, () => undefined);
    expect(textOf(site.page('/w/'))).toContain('The process has just begun.');
    expect(site.metrics()).toBe('');
    const young = textOf(pageOf({ hours: 0 }));
    expect(young).toContain('Nothing to show before an hour of it is over.');
    expect(young).toContain('Nothing of it 10 times or more in the last 0 full hours.');
  });
});

describe('what others have chosen', () => {
  it('is text, whatever it says', () => {
    const evil = '"><script src=//evil.test></script>';
    const network = storyNetwork();
    const nodes = network.nodes.map((node) => ({ ...node, name: evil, provider: evil }));
    const page = pageOf({ network: { ...network, nodes, standings: new Map() }, name: evil });
    expect(page).not.toContain('<script src=//evil');
    expect(page).toContain('&lt;script src=//evil.test&gt;');
  });
});

describe('a network of', () => {
  it('many nodes is counted, not drawn, and its table has an end', () => {
    const nodes = manyNodes(1200, (i) => (i % 3 === 0 ? ['mix', 'exit'] : ['mix']));
    const network = { ...storyNetwork(), nodes, byId: new Map(), standings: new Map() };
    const begun = performance.now();
    const page = pageOf({ hours: 7 * 24, network });
    expect(textOf(page)).toContain('Layer 1: 400 nodes at 400 providers');
    expect(page).not.toContain('<g class="node');
    expect(textOf(page)).toContain('And 1000 more: mixmailer network shows all.');
    expect(page.length).toBeLessThan(300_000);
    expect(performance.now() - begun).toBeLessThan(30_000);
  });

  it('no layers has three columns, and no ways between them', () => {
    const page = pageOf({ hours: 2, network: networkOf(manyNodes(5)) });
    expect(page).toContain('5 nodes; any may follow any other.');
    expect(page).not.toContain('class="way"');
    expect(rowsIn(page, 'map-nodes')[0]).toBe('n0 any mix, exit p0.example unknown unknown');
  });
});

describe('a chart', () => {
  it('has a gap where the process slept, and a dot for an hour alone', () => {
    const story = storyOf({ hours: 1 });
    const { hours } = story.status();
    const later = hours.map((hour) => ({ ...hour, at: hour.at + 5 * hourMs }));
    const status = { ...story.status(), hours: [...hours, ...later] };
    const parts = siteOf(status, () => status).parts();
    expect(parts).toContain('<circle class="dot first"');
    expect(rowsIn(parts, 'packets-numbers')).toHaveLength(hours.length + later.length);
  });
});
