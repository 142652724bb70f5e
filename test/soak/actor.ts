import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Member, RunningClient } from '../demo/network.js';
import { type Ended, ProcessEnded, type Running } from '../demo/processes.js';
import type { Door } from '../demo/hand-in.js';
import type { Fall } from './ends.js';
import type { Place } from './world.js';

export type Role = 'authority' | 'node' | 'client';

/** How long a service manager waits before it starts again what has ended. */
const restartMs = 3000;
const diskMegabytes = 256;

/** One process of the network, which is started again whenever it ends, and what can be done to it. */
export class Actor {
  readonly name: string;
  readonly role: Role;
  readonly member: Member;
  readonly place: Place;
  readonly #start: () => Promise<Running | RunningClient>;
  #running: Running | undefined;
  #door: Door | undefined;
  #wanted = false;
  /** One thing at a time is done to a process. */
  #work: Promise<void> = Promise.resolve();
  /** Logs of all that ran, the last one too. */
  readonly #logs: string[] = [];
  /** Times it ended although nobody had ended it. */
  readonly falls: Fall[] = [];
  #mounted = false;

  constructor(
    role: Role,
    member: Member,
    { place, start }: { readonly place: Place; readonly start: () => Promise<Running | RunningClient> },
  ) {
    this.role = role;
    this.member = member;
    this.name = member.account.address;
    this.place = place;
    this.#start = start;
  }

  get folder(): string {
    return path.dirname(this.member.configFile);
  }

  get data(): string {
    return path.join(this.folder, 'data');
  }

  get pid(): number | undefined {
    return this.#running?.pid;
  }

  /** Where a client takes mails, while it runs. */
  get door(): Door | undefined {
    return this.#running === undefined ? undefined : this.#door;
  }

  /** Everything its processes have said. */
  get log(): string {
    return [...this.#logs, this.#running?.log ?? ''].join('\n');
  }

  #next(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(work);
    return this.#work;
  }

  async #begin(): Promise<void> {
    while (this.#wanted && this.#running === undefined) {
      try {
        const started = await this.#start();
        const running = 'running' in started ? started.running : started;
        if ('running' in started) this.#door = { port: started.port, user: started.user, password: started.token };
        this.#running = running;
        void running.ended.then((ended) => this.#ended(running, ended));
      } catch (error) {
        const ended = error instanceof ProcessEnded ? error.ended : undefined;
        this.falls.push({ text: (error as Error).message, ended });
        await sleep(restartMs);
      }
    }
  }

  #ended(running: Running, ended: Ended): void {
    if (this.#running !== running) return;
    this.#running = undefined;
    this.#logs.push(running.log);
    this.falls.push({ text: running.said.trimEnd().split('\n').slice(-12).join('\n'), ended });
    void sleep(restartMs).then(() => this.#next(() => this.#begin()));
  }

  async #end(how: (running: Running) => Promise<void>): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    await how(running);
    this.#logs.push(running.log);
  }

  start(): Promise<void> {
    this.#wanted = true;
    return this.#next(() => this.#begin());
  }

  /** Ends it as a power cut does, and starts it again after that time. */
  kill(awayMs: number): Promise<void> {
    return this.#next(async () => {
      await this.#end((running) => running.kill());
      await sleep(awayMs);
      await this.#begin();
    });
  }

  stop(): Promise<void> {
    this.#wanted = false;
    return this.#next(() => this.#end((running) => running.stop()));
  }

  /** From now on its clock is that far ahead of everybody else's. */
  jump(aheadMs: number): void {
    writeFileSync(path.join(this.folder, 'clock'), `${aheadMs}`);
  }

  /** Gives its data a disk of its own, as small as a cheap machine's. @returns whether this machine lets us */
  mountDisk(): boolean {
    mkdirSync(this.data, { recursive: true, mode: 0o700 });
    // An authority has its key already.
    const files = readdirSync(this.data).map((name) => path.join(this.data, name));
    const kept = files.map((file) => [file, readFileSync(file)] as const);
    const options = `size=${diskMegabytes}m,mode=700`;
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', this.data], { stdio: 'ignore' });
    this.#mounted = status === 0;
    if (this.#mounted) for (const [file, bytes] of kept) writeFileSync(file, bytes, { mode: 0o600 });
    return this.#mounted;
  }

  get hasDisk(): boolean {
    return this.#mounted;
  }

  /** Leaves not a byte on that disk. What a server takes just now can't be written down. */
  fillDisk(): void {
    this.place.smtp.doubt();
    const chunk = Buffer.alloc(1024 * 1024);
    for (const size of [chunk.length, 4096])
      for (let i = 0; ; i++) {
        try {
          writeFileSync(path.join(this.data, `ballast-${size}-${i}`), chunk.subarray(0, size));
        } catch {
          break;
        }
      }
  }

  freeDisk(): void {
    const names = Array.from({ length: diskMegabytes + 1 }, (_, i) => i);
    for (const i of names) rmSync(path.join(this.data, `ballast-${1024 * 1024}-${i}`), { force: true });
    for (const i of Array.from({ length: 512 }, (_, n) => n))
      rmSync(path.join(this.data, `ballast-4096-${i}`), { force: true });
  }

  /** Even while this process holds a file on it. */
  unmount(): void {
    if (this.#mounted) spawnSync('umount', ['--lazy', this.data], { stdio: 'ignore' });
  }
}
