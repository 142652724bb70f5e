import { defineConfig } from 'vitest/config';
import { switchOff, switchVariable } from './test/attacks/switch-off.js';
import { LongFirst } from './test/long-first.js';
import { rememberSignatures } from './test/remember-signatures.js';

// A configuration that others may change is refused, and those that tests write are made by the umask.
process.umask(0o022);

export default defineConfig({
  test: {
    reporters: ['default', './test/count-reporter.ts'],
    sequence: { sequencer: LongFirst },
    projects: [
      {
        plugins: [switchOff(process.env[switchVariable]), rememberSignatures()],
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**', 'test/mutation/**'],
          testTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/integration/setup.ts'],
          // Longer than what a test waits for in all, so that it is said what it waited for in vain.
          testTimeout: 420_000,
          hookTimeout: 180_000,
          // They wait for most of their time: for lists, for flushes, for mail.
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
