/** Begins to measure. @returns milliseconds of computing in this process since then, however busy the machine is with other things */
export const cpuTimer = (): (() => number) => {
  const begun = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(begun);
    return (user + system) / 1000;
  };
};
