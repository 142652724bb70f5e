import { defineConfig } from 'vitest/config';

const room = process.env['MUTATED_ROOM'] ?? 'mix';

/** The tests of the mutated room itself, without those that take long and hold nothing that no other one does. */
export default defineConfig({
  test: {
    include: [`test/${room}/**/*.test.ts`],
    exclude: ['test/message/gnupg.test.ts', 'test/mix/false-alarms.test.ts'],
    testTimeout: 120_000,
    // The files of one run share a process: what they import is read once. Every mutant gets a process of its own.
    isolate: false,
  },
});
