import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest, the longest first. */
const long: readonly string[] = [
  'test/attacks/loss.test.ts',
  'test/client/traffic.test.ts',
  'test/node/crash.test.ts',
  'test/attacks/n-1.test.ts',
  'test/node/shape.test.ts',
  'test/sim/links.test.ts',
  'test/client/crash.test.ts',
  'test/path/path.test.ts',
  'test/directory/crash.test.ts',
  'test/sim/pace.test.ts',
  'test/mix/false-alarms.test.ts',
  'test/path/topology.test.ts',
  'test/integration/directory.test.ts',
  'test/integration/end-to-end.test.ts',
  'test/integration/replies.test.ts',
  'test/integration/accounts.test.ts',
  'test/integration/observer.test.ts',
  'test/integration/budget.test.ts',
  'test/integration/n-1.test.ts',
  'test/integration/flood.test.ts',
];

const placeOf = ({ moduleId }: TestSpecification): number => {
  const place = long.findIndex((file) => moduleId.endsWith(`/${file}`));
  return place === -1 ? long.length : place;
};

/**
 * Begins with the files that take longest: one that begins last is at work alone while the other cores have nothing left
 * to do. Where vitest has not seen the files run before, as on a fresh machine, it goes by their size, which says little.
 */
export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}
