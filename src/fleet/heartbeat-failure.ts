/** Logs a heartbeat that failed: as part of an outage if it is one, and in other words if the pod could not join the fleet again. */
import { EVENT_LINES, logEvent } from '../events.js';
import { loggedError, type Log } from '../log.js';
import { isOutage } from '../store/outage-tracker.js';

/** @param registered false if the pod was evicted and has not joined again */
export function logHeartbeatFailure(log: Log, error: unknown, retryInMs: number, registered: boolean): void {
  const line = isOutage(error) ? EVENT_LINES.heartbeatInOutage : EVENT_LINES.heartbeatRefused;
  if (!log.writes(line.level)) return;
  const fields = { error: loggedError(error), retryInMs };
  if (registered) logEvent(log, line, fields);
  else log[line.level](fields, 'evicted pod could not join the fleet again; trying again');
}
