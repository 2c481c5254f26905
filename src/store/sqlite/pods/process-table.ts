/**
 * Identifies the process of a pod, and proves that it has exited.
 *
 * Invariants:
 * - A proof stays true. If anything is unknown, there is no proof, and the pod's silence decides.
 * - A pid is compared only within one boot and one PID namespace, together with the start time of its process. So a new
 *   process with the same pid is not taken for the old one.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { asError } from '../../../errors.js';
import { bootId, timeNamespace } from '../clock/monotonic-clock-id.js';

/** Identifies a process permanently. */
export interface ProcessMark {
  /** The scope of `pid` and `startedAt`: one boot of one host, and its namespaces. */
  readonly namespace: string;
  readonly pid: number;
  /** In clock ticks since boot. */
  readonly startedAt: number;
}

/** The process of a pid. `ended`: a zombie, which has exited, and whose parent has not collected its exit status. */
export type Sighting = 'none' | 'unknown' | { readonly startedAt: number; readonly ended: boolean };

/** The operating system's table of processes. */
export interface ProcessTable {
  /** This process; `undefined` if the platform can prove no exit. */
  self(): ProcessMark | undefined;
  /** The process of a pid, in the namespace of this process. */
  lookUp(pid: number): Sighting;
}

/** Whether `self` can prove that the process has exited. */
export function hasExited(mark: ProcessMark, self: ProcessMark, table: Pick<ProcessTable, 'lookUp'>): boolean {
  if (mark.namespace !== self.namespace) return false;
  if (mark.pid === self.pid) return mark.startedAt !== self.startedAt;
  const seen = table.lookUp(mark.pid);
  if (typeof seen === 'string') return seen === 'none';
  return seen.ended || seen.startedAt !== mark.startedAt;
}

/** Proves nothing. For files that processes of other hosts may have open. */
export const NO_PROOF: ProcessTable = { self: () => undefined, lookUp: () => 'unknown' };

/** Reads `/proc` on Linux. Other platforms have no boot id or start time, so nothing is proved there. */
export const systemProcesses: ProcessTable = {
  // Not cached: a process that was checkpointed and restored has a new start time.
  self() {
    const namespace = ownNamespace();
    const seen = statOf('self');
    if (namespace === undefined || seen === undefined) return undefined;
    return { namespace, pid: process.pid, startedAt: seen.startedAt };
  },

  lookUp(pid) {
    // Asks the kernel first: with `hidepid`, a file missing from /proc proves nothing.
    if (isAbsent(pid)) return 'none';
    return statOf(pid) ?? 'unknown';
  },
};

/**
 * `undefined` unless /proc shows the PID namespace of this process. In a container that sees the /proc of its host, the
 * same pid is another process there. The time namespace is part of the scope, because it shifts start times.
 */
function ownNamespace(): string | undefined {
  try {
    const pids = /^NSpid:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
    const boot = bootId();
    if (boot === '' || pids !== String(process.pid)) return undefined;
    return `${boot} ${readlinkSync('/proc/self/ns/pid')} ${timeNamespace()}`.trimEnd();
  } catch {
    return undefined;
  }
}

function isAbsent(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (asError(error) as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function statOf(pid: number | 'self'): Exclude<Sighting, string> | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** Parses `/proc/<pid>/stat`. The name in parentheses may contain spaces and parentheses. */
export function parseStat(line: string): Exclude<Sighting, string> | undefined {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' '); // from the third on
  const [state = ''] = fields;
  const threads = Number(fields[17]);
  const startedAt = Number(fields[19]);
  if (!Number.isSafeInteger(startedAt) || startedAt <= 0 || !Number.isSafeInteger(threads)) return undefined;
  // The first thread may exit before the others. The process runs as long as any thread is left.
  return { startedAt, ended: (state === 'Z' || state === 'X') && threads <= 1 };
}
