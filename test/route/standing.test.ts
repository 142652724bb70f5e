import { describe, expect, it } from 'vitest';
import { weightIn } from '../../src/route/standing.js';
import { networkOf, nodeAt, standingOf } from './nodes.js';

describe('how much a node is drawn', () => {
  const weightOf = (perDay: number, free: number, deliveredPerMille?: number): number => {
    const node = { ...nodeAt('a.example', 'a'), capacity: { perDay, free } };
    const standings = new Map([[node.nodeId, standingOf('a.example', { deliveredPerMille })]]);
    return weightIn({ ...networkOf([node]), standings }, node);
  };

  it('is less the fewer mails its account has to spare, and never so little that it stays away', () => {
    expect(weightOf(400, 400)).toBe(1);
    expect(weightOf(400, 100)).toBe(1);
    expect(weightOf(400, 50)).toBe(0.5);
    expect(weightOf(400, 0)).toBe(0.2);
  });

  it('can not be made more by its own word', () => {
    expect(weightOf(100, 999_999)).toBe(1);
    expect(weightOf(0, 999_999)).toBe(1);
    expect(weightOf(100, 100, 500)).toBe(0.5);
    expect(weightOf(400, 50, 500)).toBe(0.25);
  });

  it('is that of any other where it says nothing', () => {
    const node = nodeAt('a.example', 'a');
    expect(weightIn(networkOf([node]), node)).toBe(1);
  });
});
