import { PluginKind, declareValuePlugin } from '@stryker-mutator/api/plugin';

const room = process.env['MUTATED_ROOM'] ?? 'mix';

/**
 * Leaves alone what a test can hold only by repeating it, or not at all:
 *
 * - the texts of our own mistakes: nobody reads them but the person who looks at why a process stopped (that the mistake
 *   is seen is mutated like everything else);
 * - the last case of a `switch` over a union: no value gets there, which is the compiler's word.
 */
const beyondTests = {
  shouldIgnore: (path) => {
    if (path.isNewExpression() && path.node.callee.name === 'Bug') return 'the text of a Bug is for people';
    if (path.isSwitchCase() && path.node.test === null && path.toString().includes('unreachable('))
      return 'no value gets there';
    return undefined;
  },
};

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, 'beyond-tests', beyondTests)];

/**
 * Run from the root of the repository, by `npm run mutation`. Every path here begins there.
 *
 * Mutants that don't compile are run like the others: to ask the compiler about each takes as long as its tests do, and
 * nearly all of them fall anyway.
 */
export default {
  mutate: [`src/${room}/**/*.ts`],
  plugins: ['@stryker-mutator/vitest-runner', './test/mutation/stryker.config.js'],
  testRunner: 'vitest',
  // Which tests may kill a mutant is told once, in the configuration of vitest.
  vitest: { configFile: 'test/mutation/vitest.config.js', related: false },
  coverageAnalysis: 'perTest',
  ignorers: ['beyond-tests'],
  // Endless loops are cut off by how often they go round; a busy machine must not count as a killed mutant.
  timeoutMS: 30_000,
  timeoutFactor: 2,
  concurrency: Number(process.env['MUTATION_WORKERS'] ?? 2),
  thresholds: { high: 95, low: 90, break: 85 },
  ignorePatterns: ['/dist', '/docs', '/config', '/coverage', '/.cache', '/.ci'],
  tempDirName: '.cache/stryker',
  incremental: true,
  incrementalFile: `.cache/mutation-${room}.json`,
  reporters: ['clear-text', 'progress-append-only', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: `.cache/mutation-${room}-report.json` },
};
