/** The process has been killed: nothing of it goes on. */
export class Killed extends Error {}

/**
 * Kills a process at its n-th call to the world, counted over all its ports, just before or just after the call took
 * effect.
 */
export class Faults {
  readonly #at: number;
  readonly #when: 'before' | 'after';
  #calls = 0;
  /** The call that was the last one, as `port.method`; undefined until then. */
  struck: string | undefined;
  /** The call of any but the store that the killed process had made last. */
  lastOutside: string | undefined;

  constructor(at: number, when: 'before' | 'after') {
    this.#at = at;
    this.#when = when;
  }

  /** A process from its start to its end; give each incarnation ports of its own. */
  incarnation(): <T extends object>(name: string, port: T) => T {
    let dead = false;
    let lastOutside: string | undefined;
    const die = (call: string): never => {
      dead = true;
      this.struck ??= call;
      this.lastOutside ??= lastOutside;
      throw new Killed(call);
    };
    return (name, port) =>
      new Proxy(port, {
        get: (target, key) => {
          const method: unknown = Reflect.get(target, key);
          if (typeof method !== 'function') return method;
          return (...args: unknown[]): unknown => {
            const call = `${name}.${String(key)}`;
            if (dead) throw new Killed(call);
            if (name !== 'store') lastOutside = call;
            const isLast = ++this.#calls === this.#at;
            if (isLast && this.#when === 'before') die(call);
            const result: unknown = Reflect.apply(method, target, args);
            if (!isLast) return result;
            return result instanceof Promise ? result.then(() => die(call)) : die(call);
          };
        },
      });
  }
}
