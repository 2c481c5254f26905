/**
 * Branches that a simulation could take and whose coincidence no seed has, or that only a caller takes who is not simulated. The reason
 * says what each would need.
 */
import { at, type Place } from './place.js';

const LATE_REMOVAL = 'rare: housekeeping removes the step between the read and the write of a command';
const STOPPED = 'a call right after the stop, which no caller of a simulation makes';
const LONG_LISTS = 'rare: more than a slice of the event loop holds';
const BLOCKED_LOOP =
  'rare: a loop that is late while its own process runs: a simulated process stands still as a whole';
const SUSPECTS = 'rare: several suspects at once, or one that ends while its pod stops';
const NO_LISTENER = 'nobody listens to the event: a history records each';
const LATE_ROWS = 'rare: two rows of a step, of which a late read shows the older one alone';
const ANSWERED = 'the SQL answers with such a row always';
const ALWAYS_GIVEN = 'every caller gives it';
const LOST_TWICE = 'rare: sessions or requests that are lost again and again within one exchange';
const DEEP_BACKLOG = 'rare: a backlog that is deeper than one look, beside waiting steps of other priorities';
const SHRUNK_BATCH = 'rare: an exchange that follows one which took long: virtual time stands still meanwhile';
const SQL_BY_HAND = 'rows or values that plain SQL has written';

export const RARE_PLACES: readonly Place[] = [
  ...at(
    'rare: a step that keeps changing between each read and the write that follows it',
    'src/client/change-at-version.ts',
    "if (result === 'nothing') return unchanged(record);",
  ),
  ...at(LATE_REMOVAL, 'src/client/step-commands.ts', "return receipt === 'notFound' ? 'changed' : receipt;"),
  ...at(
    'a single submission of a type whose schema answers later: simulated callers submit those as lists',
    'src/client/submitter.ts',
    'const step = types.isPromise(checking) ? await checking : checking;',
  ),
  ...at(
    'a queue without a type that refuses unknown ones: a simulated process has types',
    'src/client/submitter.ts',
    'const none = known.length === 0',
  ),
  ...at(
    'a store that refuses a value of one step: a simulated one holds all values',
    'src/client/submitter.ts',
    'if (batch.length > 1 && isRefusal(error)) {',
  ),
  ...at(STOPPED, 'src/client/waiter.ts', "if (this.#stopped) return Promise.reject(new StoppedError('waitFor'));"),
  ...at(LONG_LISTS, 'src/client/waiter.ts', 'if (ids.length >= limit) break;', 'if (at > 0) await runtime.yield();'),
  ...at(
    'an error of the store that a repeat does not mend: a simulated store has none',
    'src/client/waiter.ts',
    'if (isStoreError(error) && error.transient)',
  ),
  ...at('rare: a report at the instant after a permanent drain', 'src/fleet/health.ts', 'if (inputs.hasLeft) return'),
  ...at(BLOCKED_LOOP, 'src/fleet/health.ts', "problems.push(['heartbeat-stuck'", "problems.push(['exchange-stuck'"),
  ...at(
    'a registration that the store refuses: a simulated store refuses none',
    'src/fleet/heartbeat-failure.ts',
    'const line = isOutage(error)',
    'else log[line.level](fields',
  ),
  ...at(
    'rare: a pod that decides to sleep as it begins to drain',
    'src/fleet/heartbeat.ts',
    "Promise.reject(new StoppedError('sleep'));",
  ),
  ...at(
    'rare: a second eviction before the first answer of the new incarnation',
    'src/fleet/heartbeat.ts',
    'return this.#evictions++ === 0 ? 0 : this.#intervalMs();',
  ),
  ...at(
    'rare: a quiet spell that ends between the question and its answer',
    'src/fleet/quiet-spell.ts',
    'if (last === undefined || !this.#lasts) return undefined;',
  ),
  ...at(
    'rare: reads that are late beside hundreds of orphans',
    'src/fleet/recovery-cycle.ts',
    'limit >= WIDEST_PAGE || !leadership.isLeader) return page;',
  ),
  ...at(
    STOPPED,
    'src/fleet/recovery.ts',
    "Promise.reject(new StoppedError('start')) : this.#loop.start();",
    "if (!this.#loop.running) throw new FleetQError('NOT_STARTED'",
  ),
  ...at(
    'rare: a recovery by hand of a pod that sleeps',
    'src/fleet/recovery.ts',
    "? `is ${isAsleep ? 'asleep' : 'fenced'}`",
  ),
  ...at(
    'a cycle that fails before it has begun: a simulated leader fails within',
    'src/fleet/recovery.ts',
    'if (error !== this.#reportedError) log.warn',
  ),
  ...at(
    'a store whose idle pods do not sleep: its loop is not started',
    'src/fleet/sleep.ts',
    'if (rhythm === undefined) return Infinity;',
  ),
  ...at(
    'rare: a pod is woken while its announcement, or its question, is under way',
    'src/fleet/sleep.ts',
    'if (this.#asleep === undefined) return Infinity; // woken meanwhile',
    'if (this.#asleep === asleep) this.#asleep = checked;',
  ),
  ...at(
    'rare: a number of steps that has changed without a change of the token',
    'src/fleet/sleep.ts',
    "return this.#wakeFrom(asleep, 'check');",
  ),
  ...at(LONG_LISTS, 'src/pool/claims/held-claim.ts', 'if (this.#children.size <= CHILDREN_KEPT) return;'),
  ...at(
    'rare: a second abort of the handler that has just been aborted',
    'src/pool/claims/held-claim.ts',
    'if (this.#aborted !== undefined) return;',
  ),
  ...at(
    'rare: outcomes of two incarnations that wait at once, or more than one batch holds',
    'src/pool/claims/outbox.ts',
    '} else {',
  ),
  ...at(
    'a handler that asks about its own claim before its first await: simulated ones wait first',
    'src/pool/claims/running-claims.ts',
    'if (this.#calling?.claim.stepId === stepId) return this.#calling;',
    'return this.#calling === undefined ? claims : [...claims, this.#calling];',
  ),
  ...at(
    'a claim of a type that the pod did not ask for: the SQL gives none',
    'src/pool/exchange/claim-intake.ts',
    'handlers.get(claim.type) ?? handlers.none;',
    'else if (handler === handlers.none)',
  ),
  ...at(NO_LISTENER, 'src/pool/exchange/claim-intake.ts', "if (events.has('step:claimed'))"),
  ...at(
    'rare: tokens of an earlier incarnation that are still unconfirmed',
    'src/pool/exchange/unconfirmed-tokens.ts',
    'if (pod === ours) dueInMs',
  ),
  ...at(
    'rare: a pod that stands still while the args of a step are checked',
    'src/pool/execution/checked-call.ts',
    "if (held.aborted === undefined && !mayProceed()) held.abort('fenced');",
    'if (held.aborted !== undefined) throw held.signal.reason;',
  ),
  ...at(
    'rare: a handler that releases its step after its time-out',
    'src/pool/execution/decide-outcome.ts',
    "if (held.aborted === 'timedOut') return abortedOutcome(held, 'timedOut');",
  ),
  ...at(NO_LISTENER, 'src/pool/execution/executor.ts', "if (events.has('step:started'))"),
  ...at(
    'a handler that aborts itself before its first await: simulated ones wait first',
    'src/pool/execution/executor.ts',
    'if (!claims.running.isCalling(held)) this.#deadlines.expect(held.dueAt);',
    'if (held.aborted === undefined) held.expireAt(',
  ),
  ...at(
    'a promise that settles twice, against its contract',
    'src/pool/execution/executor.ts',
    'executor.settled(this, this.held, true, value);',
    'executor.settled(this, this.held, false, thrown);',
  ),
  ...at(
    'a pod without any type: it looks alone',
    'src/pool/planning/claim-planner.ts',
    'handlers.all.size === 0 ? this.look()',
  ),
  ...at(
    'a second start of a pool: its queue starts it once',
    'src/pool/pool.ts',
    "lifecycle !== 'new') return Promise.resolve();",
  ),
  ...at(
    'rare: a claim whose reply is open as the pod falls asleep, or an outcome after the stop',
    'src/pool/pool.ts',
    'channel.openTokens.length > 0) return false;',
    "if (this.#state.current.lifecycle === 'stopped') endTrace(entry);",
  ),
  ...at(
    "the system's runtime: a simulation has its own",
    'src/pool/suspects/pools-of-process.ts',
    'if (runtime === systemRuntime)',
  ),
  ...at(
    SUSPECTS,
    'src/pool/suspects/suspect-isolation.ts',
    'if (!this.isolates) this.#processPools.releaseTurn(now);',
    'if (this.expiresInMs(now) > 0) return;',
    'if (this.#since === undefined) return;',
  ),
  ...at(SQL_BY_HAND, 'src/step/carrier.ts', "const carrier = isRecord(parsed) ? parsed['trace'] : undefined;"),
  ...at(
    'rare: fields of an error that fill their bound to the byte',
    'src/step/error-fields.ts',
    'if (budget.left < 0) return undefined;',
  ),
  ...at(
    'a definition whose getter throws: TypeScript callers have none',
    'src/step/submit-call.ts',
    'if (!(error instanceof ValidationError)) throw error;',
  ),
  ...at(
    'the journal in a file, whose failure is a warning',
    'src/store/outage-tracker.ts',
    "begins.level === 'error' ? loggedErrorWithStack",
  ),
  ...at(
    'a payload above the limit of a bind: a simulated queue has shorter ones',
    'src/store/snowflake/bind-chunks.ts',
    'if (size > MAX_BIND_BYTES)',
  ),
  ...at(
    'asked only if a request is overdue',
    'src/store/snowflake/combining/asking.ts',
    'if (overdue === 0) return false;',
  ),
  ...at(
    'a report of a pod that has never looked',
    'src/store/snowflake/combining/pacer.ts',
    'this.#readAt === undefined ? null',
  ),
  ...at(LATE_ROWS, 'src/store/snowflake/exchange/duplicate-row-claims.ts', "if (states.get(key) !== 'claimed')"),
  ...at(
    'an exchange for nothing: the pool makes none',
    'src/store/snowflake/exchange/exchange.ts',
    'if (asked === undefined && readBack === undefined)',
    '(asked ?? readBack) === undefined ? [] :',
    'nextDueInMs: seen === undefined ? null',
  ),
  ...at(
    'rare: a claimed step that no look shows for minutes',
    'src/store/snowflake/exchange/expected-steps.ts',
    'if (now - at > EXPECTED_FOR_MS)',
  ),
  ...at(
    LOST_TWICE,
    'src/store/snowflake/exchange/logged-exchange.ts',
    "place === 'absent' && !mayLog ? 'behind' : place",
  ),
  ...at(ANSWERED, 'src/store/snowflake/exchange/seen.ts', 'orNull(name) ?? 0;'),
  ...at(
    LOST_TWICE,
    'src/store/snowflake/exchange/settlements.ts',
    'if (tries > REPEATS) throw notApplied(open.length);',
    'if (tries === REPEATS) await this.#lateReads.waitOut();',
    'return session.logins === logins || !this.#lateReads.arePossible;',
    'if (!isUnclear || !this.#lateReads.arePossible) return;',
  ),
  ...at(
    ANSWERED,
    'src/store/snowflake/exchange/settlements.ts',
    'Object.hasOwn(RECEIPTS, word)',
    "states.get(fenceKey(settlement)) ?? 'absent';",
  ),
  ...at(
    'rare: types by the thousand, or with names by the kilobyte',
    'src/store/snowflake/exchange/type-selection.ts',
    'if (types.size === 0 && this.#list.length > 0) {',
    'bytes > MOST_TYPES_BYTES',
  ),
  ...at('chunks of 10,000 steps', 'src/store/snowflake/housekeeping/retention.ts', 'counts.get(chore) ?? 0;'),
  ...at(SQL_BY_HAND, 'src/store/snowflake/housekeeping/retention.ts', 'if (counts !== this.#reported'),
  ...at('every simulated store says how it sleeps', 'src/store/snowflake/options.ts', 'options.sleep ?? true'),
  ...at(
    ALWAYS_GIVEN,
    'src/store/snowflake/pods/meta-encoding.ts',
    'if (types === undefined) return JSON.stringify(meta);',
  ),
  ...at(
    'rare: types that are registered after the start, which a queue refuses',
    'src/store/snowflake/pods/meta-encoding.ts',
    ': registeredMeta(meta);',
  ),
  ...at(SQL_BY_HAND, 'src/store/snowflake/pods/meta-encoding.ts', "? (value as PodView['meta']) : {}"),
  ...at(ANSWERED, 'src/store/snowflake/pods/pod-log.ts', 'if (schemaRow !== undefined) learn('),
  ...at(
    'rare: a heartbeat of an incarnation that has not registered, or whose claims a late read shows again',
    'src/store/snowflake/pods/pod-log.ts',
    'this.#registered?.incarnation === pod.incarnation ?',
    'if (again.length > 0) this.#dependencies.giveBack(pod, again);',
  ),
  ...at(
    ALWAYS_GIVEN,
    'src/store/snowflake/pods/pod-log.ts',
    'heartbeatMs === undefined ? {} :',
    'deadAfterMs === undefined ? {} :',
    'beat.heartbeatMs ?? this.#registered?.heartbeatMs ?? 0;',
    'beat.deadAfterMs ?? this.#registered?.deadAfterMs ?? 0',
    'if (pods.length === 0) return [];',
  ),
  ...at(
    'a driver that returns other types than it says',
    'src/store/snowflake/rows.ts',
    "typeof value === 'bigint' ? String(value)",
  ),
  ...at(
    'a count that is none: a bug in the library',
    'src/store/snowflake/statements/fragments.ts',
    'throw new RangeError(',
  ),
  ...at(
    LATE_ROWS,
    'src/store/snowflake/steps/change-receipts.ts',
    "if (rows === undefined) return 'notFound';",
    "if (leftToCancel(rows, step, token) !== undefined) return 'changed';",
    "if (at < step.version) return 'changed'; // a late read",
    "return at === step.version && !isOpen(row) ? 'alreadyTerminal' : 'changed';",
    'if (!isToRetry && !isRetried) return undefined;',
    'const isUntouched = rows.some(',
    "return hasMoved(rows, step) && !isUntouched ? 'retried' : 'notRetryable';",
    "if (hasMoved(rows, step)) return 'retried';",
    "return versionOf(row) < step.version ? 'changed' : 'notRetryable';",
  ),
  ...at(
    'a cursor that somebody has made by hand, well formed and wrong within',
    'src/store/snowflake/steps/list-cursor.ts',
    'Array.isArray(parsed) ? (parsed as unknown[]) : [];',
    'if (!Number.isSafeInteger(afterMs)',
  ),
  ...at(
    '10,000 unconfirmed INSERTs',
    'src/store/snowflake/steps/repeatable-inserts.ts',
    'if (this.#unconfirmed.size <= MOST_REMEMBERED) return;',
  ),
  ...at(
    'a second schema version: a simulation has one',
    'src/store/snowflake/store.ts',
    'schemaGuard.outdated ? { pod, settlements } : request',
  ),
  ...at(
    ANSWERED,
    'src/store/snowflake/store.ts',
    "row === undefined ? '' : text(row, 'TOKEN');",
    "row === undefined ? '' : text(row, 'ROW_COUNT');",
  ),
  ...at('tables that vanish', 'src/store/snowflake/store.ts', 'if (concernsTables(error)) await opener.reopen();'),
  ...at(
    DEEP_BACKLOG,
    'src/store/sqlite/claiming/candidates.ts',
    "return complete ? false : 'perhaps';",
    'waiting.above === -Infinity ? all :',
    'if (cut && last !== undefined',
    'if (known > enough) return keys.slice(0, known);',
  ),
  ...at(SQL_BY_HAND, 'src/store/sqlite/claiming/claims.ts', 'row[10] > 0 ? row : this.#dated(now, row)'),
  ...at(
    DEEP_BACKLOG,
    'src/store/sqlite/claiming/types-to-walk.ts',
    "return next === '' ? { types: wanted, complete: true } : this.#all(request);",
    'const most = types.get(type) ?? 0;',
    'if (most > 0) all.set(type, most);',
  ),
  ...at(
    DEEP_BACKLOG,
    'src/store/sqlite/claiming/unpromoted-backlog.ts',
    'if (++seeks > MOST_SEEKS || next >= priority)',
    'if (++seeks > MOST_SEEKS) return',
  ),
  ...at(
    'an instant before the first record of the wall clock: a database in memory has none',
    'src/store/sqlite/clock/wall-time-conversion.ts',
    'this.#offsets.findLast(([since]) => since <= instant)',
  ),
  ...at(LONG_LISTS, 'src/store/sqlite/connection/call-runner.ts', 'if (from > 0) await this.#deps.runtime.yield();'),
  ...at(
    'rare: an opening that fails while another has begun',
    'src/store/sqlite/connection/lazy-session.ts',
    'if (this.#opening === opening) this.#opening = undefined;',
  ),
  ...at(
    SHRUNK_BATCH,
    'src/store/sqlite/exchange/exchange-batches.ts',
    'const early = ahead === 0 ? [] :',
    'const last = ahead === 0 ? request :',
    'while (reply.blocked && reply.claims.length === 0',
    'receipts: ahead === 0 ? receipts :',
  ),
  ...at('rare: a registration that is rolled back', 'src/store/sqlite/pods/pod-step-types.ts', 'if (seq === null) {'),
  ...at(
    'a bug in the library, or in the driver',
    'src/store/sqlite/sqlite-errors.ts',
    "if (code === '' && /^(Type|Range)Error$/.test(name)) {",
  ),
  ...at(
    LATE_REMOVAL,
    'src/store/sqlite/steps/cancel-and-retry.ts',
    "if (row === undefined) return 'notFound';",
    "return row[1] > version ? 'retried' : 'notRetryable';",
  ),
  ...at(
    'an exchange for nothing: the pool makes none',
    'src/store/sqlite/synchronous-core.ts',
    'claim === undefined ? null : anything ? 0 :',
  ),
  ...at(
    'rare: another process records its clock between the look and the transaction',
    'src/store/sqlite/synchronous-core.ts',
    "if (!clock.set(this.#times())) this.#wall.follow(clock.instant(), 'opening');",
  ),
];
