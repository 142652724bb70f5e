import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { Ratio, Section } from './measure.js';
import { listBench } from './lists.js';
import { mailBench } from './mails.js';
import { packetBench } from './packets.js';
import { simulateBench } from './simulate.js';

/* `npm run bench -- [--rounds N] [--json FILE]`: a table, and the same as JSON. A further part is a further section. */
const sections: readonly ((rounds: number) => Promise<Section>)[] = [packetBench, mailBench, listBench, simulateBench];

const met = ({ value, goal }: Ratio): boolean | undefined =>
  goal && ('atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost);

const goalText = (ratio: Ratio): string => {
  if (!ratio.goal) return '';
  const goal = 'atLeast' in ratio.goal ? `>= ${ratio.goal.atLeast}` : `<= ${ratio.goal.atMost}`;
  return `${goal.padEnd(8)}${met(ratio) ? 'met' : 'MISSED'}`;
};

const print = ({ title, rows, ratios, figures = [] }: Section): void => {
  const lines = [
    title,
    `  ${''.padEnd(40)}${'median'.padStart(13)}${'best'.padStart(13)}`,
    ...rows.map(
      ({ name, medianUs, bestUs }) =>
        `  ${name.padEnd(40)}${medianUs.toFixed(1).padStart(10)} us${bestUs.toFixed(1).padStart(10)} us` +
        `${(1e6 / medianUs).toFixed(0).padStart(9)}/s`,
    ),
    ...ratios.map(
      (ratio) =>
        `  ${ratio.name.padEnd(40)}${ratio.value.toFixed(2).padStart(10)}   ${ratio.best.toFixed(2).padStart(10)}   ` +
        goalText(ratio),
    ),
    ...figures.map(({ name, value, unit }) => `  ${name.padEnd(40)}${value.toFixed(1).padStart(10)} ${unit}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n\n`);
};

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '21' }, json: { type: 'string' } },
});
const machine = {
  node: process.version,
  cpus: cpus().length,
  model: cpus()[0]?.model.trim() ?? '',
  load: loadavg()[0],
};
process.stdout.write(
  `node ${machine.node}, ${machine.cpus} x ${machine.model}, load ${machine.load?.toFixed(1) ?? ''}\n\n`,
);

const done: Section[] = [];
for (const section of sections) {
  const result = await section(Number(values.rounds));
  print(result);
  done.push(result);
}
if (values.json !== undefined)
  writeFileSync(
    values.json,
    `${JSON.stringify(
      {
        ...machine,
        sections: done.map((section) => ({
          ...section,
          ratios: section.ratios.map((ratio) => ({ ...ratio, met: met(ratio) })),
        })),
      },
      null,
      2,
    )}\n`,
  );
