/**
 * The coverage matrix of the guarantees: which tests hold which sentence of `docs/guarantees.md`.
 *
 * - `held` names, for one or more sentences, the tests that fail if what they say is no longer true: the file, then full
 *   titles (`outer > inner > title`), as they are written in the file.
 * - `unheld` gives the reason why a sentence has no test.
 *
 * `matrix.test.ts` fails if a sentence of the page has no row, if a row quotes a sentence that the page does not have,
 * or if a test does not exist.
 */
export interface Row {
  readonly says: readonly string[];
  readonly tests: readonly (readonly [file: string, ...titles: string[]])[];
  /** Why there is no test. */
  readonly because?: string;
}

type Held = readonly [file: string, ...titles: string[]];

const held = (says: string | readonly string[], ...tests: readonly Held[]): Row => ({ says: [says].flat(), tests });
const unheld = (because: string, ...says: readonly string[]): Row => ({ says, tests: [], because });

/** The rows by section of the page. */
export const MATRIX: Readonly<Record<string, readonly Row[]>> = {
  'Nothing submitted is lost': [
    held(
      'When `submit` resolves, the step is committed.',
      ['test/conformance/submitting.ts', 'shows a submitted step to another handle once reads are no longer late'],
      [
        'test/simulation/fleet-simulation.test.ts',
        'everything at once, with deaths %s > loses nothing, settles nothing twice, evicts no living pod (seed %i)',
      ],
    ),
    held(
      'It survives the death of any process at any moment.',
      ['test/simulation/fleet-simulation.test.ts', 'deaths > requeue what a killed pod held, in time (seed %i)'],
      ['test/chaos/chaos.test.ts', 'keeps every promise through 20 s of kills, freezes, restarts and locks'],
    ),
    held("With `synchronous: 'full'` it also survives a power loss.", [
      'test/store/sqlite/opening.test.ts',
      'a connection > flushes each commit if synchronous is full',
    ]),
    unheld(
      'SQLite promises this of its write-ahead log; the tests check which setting a connection gets.',
      "With `synchronous: 'normal'` a power loss never damages the file, but it may undo the last commits.",
    ),
    held(
      'If the reply to a submission is lost, the library repeats the submission with the same id, so there is no second step.',
      ['test/facade/work.test.ts', 'submitting > a lost reply is retried under the same id and makes no second step'],
    ),
    held('It does this up to four times.', [
      'test/client/repeat-unanswered.test.ts',
      'repeats a call four times at most',
    ]),
    held(
      'If `submit` then rejects with a `STORE_…` code and the error is `transient`, the step may or may not exist.',
      [
        'test/faults/full-disk.test.ts',
        'submit fails with STORE_FULL, writes nothing, and succeeds under the same key once there is space',
      ],
      [
        'test/faults/locked.test.ts',
        'submit fails with STORE_BUSY after busyTimeoutMs, writes nothing, and succeeds afterwards',
      ],
    ),
    held(
      'Then submit it again with the same `stepId` or `idempotencyKey`; there will be one step.',
      ['test/conformance/submitting.ts', 'makes no second step of a repeated submission'],
      [
        'test/facade/work.test.ts',
        'submitting > a lost reply is retried under the same id and makes no second step',
        'submitting > an idempotency key makes one step, and the receipt reports other args',
      ],
    ),
    held('`submitMany` commits in chunks.', [
      'test/facade/work.test.ts',
      'submitting > submitMany writes in bounded commits and keeps the order of the call',
    ]),
    held(
      'If it fails between two chunks, it rejects with `SUBMIT_INCOMPLETE`, and the error lists the steps that are stored.',
      ['test/facade/work.test.ts', 'submitting > a submitMany that fails half way lists the steps that are stored'],
      ['test/faults/full-disk.test.ts', 'submitMany reports which steps are stored'],
      [
        'test/faults/locked.test.ts',
        'submitMany reports which steps are stored if others take the file between two commits',
      ],
    ),
    held('A queue uses the same file for its whole life, even if the process calls `process.chdir`.', [
      'test/files/file-path.test.ts',
      'after the process has changed its folder > %s still means the file that it meant',
    ]),
    held(
      'If the file is deleted, moved or replaced while it is open, every call fails with `STORE_FILE_REPLACED`.',
      [
        'test/store/sqlite/file/replaced-file.test.ts',
        'an open file > is reported as replaced if it %s',
        'a store > refuses every call while its path leads to another file, and takes no row of that file',
      ],
      [
        'test/faults/moved-file.test.ts',
        'fails with STORE_FILE_REPLACED, reports it once and in health, and continues when the file is back',
      ],
    ),
    held('The queue notices this at once where the operating system reports it, and otherwise within about a second.', [
      'test/store/sqlite/file/replaced-file.test.ts',
      'a store > notices at once if the file system reports that the -wal was moved',
      'an open file > is checked at most once a second, without waiting for the result',
    ]),
    unheld(
      'It follows from the sentence before: what no library can see.',
      'Steps that were committed in that second are in the old file.',
    ),
    held(
      'Retention deletes rows only from the file that was opened.',
      [
        'test/store/sqlite/helper/store-helper.test.ts',
        'a file that has replaced the store’s > is neither read nor created by the helper; the work runs inline',
      ],
      [
        'test/store/sqlite/file/replaced-file.test.ts',
        'a store > refuses every call while its path leads to another file, and takes no row of that file',
      ],
    ),
  ],
  'Run at least once, settled exactly once': [
    held(
      'If `cancel` answers `cancelled`, the step does not complete or fail afterwards, unless somebody retries it.',
      [
        'test/conformance/cancelling.ts',
        'cancels a claimed step, at the version of its claim',
        'returns cancelled, not lost, for the settlement of a step that was cancelled while claimed',
      ],
    ),
    held('On Snowflake this holds for both rows of a step, however late the cancel has read.', [
      'test/store/snowflake/duplicate-rows-changes.test.ts',
      'a cancel that sees no claim cancels the claimed row too',
      'a cancel answers alreadyTerminal if the other row has completed, and readers show that',
    ]),
    unheld(
      'It promises nothing: either end is within it.',
      'If the process that cancels dies before it has its answer, the step may be cancelled, or end as if nobody had cancelled it.',
    ),
    held(
      ['A step may run twice.', 'This happens only if its pod died, froze, or could not report the outcome.'],
      [
        'test/faults/blocked.test.ts',
        'is evicted; another pod finishes the step; the late result is refused; the pod joins again and works',
      ],
      ['test/faults/full-disk.test.ts', 'a pod that stops meanwhile loses no step: unsettled steps run again'],
      [
        'test/simulation/fleet-simulation.test.ts',
        'everything at once, with deaths %s > loses nothing, settles nothing twice, evicts no living pod (seed %i)',
      ],
    ),
    held(
      'But every step ends exactly once.',
      ['test/conformance/concurrency.ts', 'applies one settlement when many settle the same claim at once'],
      ['test/conformance/fencing.ts', 'keeps the first outcome if one claim is settled twice, differently'],
      ['test/chaos/chaos.test.ts', 'keeps every promise through 20 s of kills, freezes, restarts and locks'],
    ),
    unheld('A definition.', 'A claim has a fence (`stepId`, `claimToken`, `version`).'),
    held('A settlement must present all three, and it is accepted only while the row still has these three values.', [
      'test/conformance/fencing.ts',
      'refuses a stale token',
      'refuses a stale version, below and above',
      'refuses the token of one step for another',
      'refuses to settle a step that nobody has claimed',
      'refuses the earlier holder once another pod holds the step',
    ]),
    held(
      'A late settlement changes nothing and emits `step:lost`.',
      [
        'test/faults/blocked.test.ts',
        'is evicted; another pod finishes the step; the late result is refused; the pod joins again and works',
      ],
      [
        'test/conformance/late-and-repeated-calls.ts',
        'changes nothing by a retry settlement that arrives again after its step was claimed again under the same token',
      ],
    ),
    unheld(
      'What Snowflake allows; the next sentence says what holds all the same.',
      'On Snowflake a step may have two rows, and a session may see the commits of other sessions late.',
    ),
    held(
      'Even so, two pods never hold one step at the same time, and the step ends once.',
      [
        'test/store/snowflake/duplicate-rows.test.ts',
        'are never held by two pods, although each saw only the row that it claimed',
        'make the claim of the first row void while the other row is held, although no read showed it',
        'keep one row, although two leaders each see the other row held',
      ],
      [
        'test/store/snowflake/duplicate-rows-logged.test.ts',
        'are claimed and settled once',
        'are not held through a row that a vain UPDATE of the session has written, beside one that is held',
      ],
      [
        'test/store/snowflake/late-reads.test.ts',
        'a settlement goes through on a new session that sees neither the claim nor earlier settlements',
      ],
    ),
    unheld(
      'A limit. docs/snowflake.md says what a late read costs.',
      'There, a handler may be aborted with the cause `lost`, and the step then runs again.',
    ),
    unheld('Advice.', 'So a handler should be idempotent.'),
  ],
  'Only the dead are declared dead': [
    unheld('It introduces the two conditions below.', 'A pod is evicted only if two conditions hold:'),
    held(
      "It has been silent, on the store's clock, for longer than its registered `deadAfterMs`.",
      [
        'test/conformance/orphans-and-eviction.ts',
        'evicts a pod that has been silent for longer than it registered',
        'does not evict a live pod: the statement checks the silence itself',
      ],
      [
        'test/fleet/peer-watch.test.ts',
        'a dead pod > has been silent for longer than the dead-after that it registered itself',
      ],
    ),
    held("The leader has seen no new heartbeat of it for long enough, measured by the leader's own monotonic clock.", [
      'test/fleet/peer-watch.test.ts',
      'a dead pod > was watched for as long as a living pod may need to be heard',
      'a dead pod > was watched between views; the time since the last one does not count',
      'a dead pod > is never one whose beat has moved, whatever the store’s clock says',
    ]),
    held(
      'A pod registers its `deadAfterMs`.',
      ['test/conformance/orphans-and-eviction.ts', 'judges each pod by the limit that it registered'],
      [
        'test/fleet/peer-watch.test.ts',
        'a dead pod > is judged by its own intervals, not by those of the watching pod',
      ],
    ),
    held(
      'On Snowflake it registers `deadAfterMs` + `staleReadMs`, because its peers may see its last heartbeat that much later.',
      [
        'test/fleet/late-reads.test.ts',
        'a pod that sends a heartbeat just before it has to fence itself > has registered a longer dead-after, by as much as its peers may see its heartbeats late',
        'a pod that sends a heartbeat just before it has to fence itself > is not declared dead by peers that are shown its heartbeat late',
      ],
    ),
    held(
      'In a large fleet on Snowflake the heartbeats come less often, and each one states a longer `deadAfterMs`: at least four intervals.',
      [
        'test/fleet/heartbeat-pace.test.ts',
        'the interval > leaves each live pod its time, and dead-after at least four intervals',
        'a fleet > of forty pods that start at once slows down together, and nobody is fenced or evicted',
      ],
    ),
    held('The last one that was stated counts.', [
      'test/fleet/heartbeat-pace.test.ts',
      'a fleet > evicts a dead pod after the dead-after that it has stated last, and not before',
    ]),
    held('Until an answer to the longer one has come, the pod fences itself by the shorter one.', [
      'test/fleet/heartbeat-pace.test.ts',
      'the fence > uses the lesser of two until the greater is answered',
      'the fence > never lets the pod proceed past the time at which others may evict it',
      'a fleet > fences a pod by the lesser dead-after while no heartbeat with the greater is answered',
    ]),
    held('So a fleet that grows or shrinks evicts no live pod.', [
      'test/fleet/heartbeat-pace.test.ts',
      'a fleet > of forty pods that start at once slows down together, and nobody is fenced or evicted',
      'a fleet > goes back to the interval of the settings when most pods have left',
      'a fleet > works with pods that keep the interval of the settings, and nobody evicts anybody',
    ]),
    held(
      'While the store does not answer the leader, that time does not count as silence of any pod.',
      [
        'test/fleet/stalls.test.ts',
        'no living pod is taken for dead > by a store that is away again and again (seed %i)',
      ],
      [
        'test/fleet/peer-watch.test.ts',
        'a watch that was interrupted > by unanswered calls, again and again within the time that living pods need, finds no pod dead',
      ],
    ),
    held('After the outage, every pod gets enough time to send a heartbeat.', [
      'test/fleet/peer-watch.test.ts',
      'a watch that was interrupted > gives every pod its whole dead-after to be heard, after %s',
      'after an unanswered call > views count again once a living pod has had time to be heard before them',
    ]),
    held(
      'So no live pod is evicted because of an outage (however often it happens), a wrong clock, or unusual settings of one pod.',
      ['test/faults/outage.test.ts', 'a store that %s for five minutes costs no pod and no step'],
      ['test/faults/clock.test.ts', 'a wall clock %s by an hour %s > evicts no pod, and all pods work'],
      ['test/conformance/orphans-and-eviction.ts', 'judges each pod by the limit that it registered'],
      [
        'test/store/sqlite/clock/store-clock.test.ts',
        'a process whose wall clock is an hour %s > neither evicts other pods nor is evicted',
      ],
    ),
    held(
      'If the leader itself is blocked for a short time, it does not count that time, but the silence that it counted before stays.',
      [
        'test/fleet/peer-watch.test.ts',
        'a watch that was interrupted > by a stall keeps what was watched before it, and counts one interval of the stall at most',
      ],
      ['test/fleet/stalls.test.ts', 'no living pod is taken for dead > by leaders and peers that stall (seed %i)'],
    ),
    held('A late answer to its heartbeat is not taken for an outage if the leader was blocked while it waited.', [
      'test/fleet/own-stalls.test.ts',
      'a heartbeat that was open for too long > was only interrupted if the pod stood still',
      'a heartbeat that was open for too long > was unanswered if the pod was awake',
    ]),
    held('A pod that is blocked for more than half of its time does not lead, as long as another pod can.', [
      'test/fleet/stalls.test.ts',
      'a leader whose stalls delay the answers to its heartbeats > yields to a pod that does not stall, and leads again when its stalls are over',
      'a leader whose stalls delay the answers to its heartbeats > leads on if it stalls for a third of the time',
    ]),
    held(
      [
        'So a leader that stalls again and again (garbage collection, a CPU limit, a handler that blocks) still evicts a dead pod, or its successor does: within five times `deadAfterMs` plus one recovery interval, if the store answers.',
        'There are two conditions.',
        'Each stall is shorter than a quarter of `deadAfterMs`, or there is a pod that does not stall.',
      ],
      [
        'test/fleet/stalls.test.ts',
        'a leader whose stalls delay the answers to its heartbeats > finds the dead though it is alone: …',
        'a leader whose stalls delay the answers to its heartbeats > finds the dead, or its successor does: …',
        'a leader that stalls for %s > finds the dead within the stated bound (seed %i)',
      ],
      [
        'test/simulation/stalls.test.ts',
        'a leader that stalls for $stallMs ms after every $awakeMs ms > evicts a killed pod within the bound, or its successor does (seed %i)',
      ],
    ),
    held(
      [
        'And if no other pod can lead, the leader is not fenced for its own silence meanwhile.',
        'If it is, the eviction comes later.',
      ],
      [
        'test/fleet/stalls.test.ts',
        'a leader whose stalls delay the answers to its heartbeats > finds the dead later if it is alone and fenced for its silence now and then (seed %i)',
      ],
    ),
    unheld(
      'It introduces the second rule.',
      'On SQLite all pods of a file are on one host, so a second, faster rule applies.',
    ),
    held(
      'A pod registers its process: the boot id of the host, its PID and time namespaces, its pid, and the start time of the process.',
      ['test/store/sqlite/pods/exited-pods.test.ts', 'names the process in the row of a pod, readable for people'],
    ),
    held(
      'A pod whose process has provably exited is evicted at once.',
      [
        'test/store/sqlite/pods/exited-pods.test.ts',
        'a pod whose process has exited > is shown as exited by heartbeats and fleet reads, and is evicted at once, however short its silence',
      ],
      [
        'test/fleet/peer-watch.test.ts',
        'a pod whose process has exited > is dead at the first view, whatever was watched before',
      ],
    ),
    held(
      'The proof needs the same boot id, PID namespace and time namespace, and one of these facts: no process has that pid; that process is a zombie, and all its threads have ended; that process has another start time.',
      [
        'test/store/sqlite/pods/process-table.test.ts',
        'the exit of a process > is proved %s',
        'the exit of a process > is not proved %s',
      ],
      [
        'test/store/sqlite/pods/exited-pods.test.ts',
        'a pod whose process has exited > is recognized as a zombie, and if its pid is in use again',
      ],
    ),
    held(
      'The leader checks this with each heartbeat.',
      [
        'test/e2e/killed.test.ts',
        'a process that was killed > is noticed by the leader, and by a peer that becomes the leader through this death',
      ],
      ['test/fleet/recovery.test.ts', 'begins a cycle at once when a process has provably exited'],
    ),
    held('A pod that starts checks it before it claims anything.', [
      'test/e2e/killed.test.ts',
      'a process that was killed > runs what it held at once, if it is started again under the same podId',
    ]),
    held(
      'So the steps that a killed process held run again within one heartbeat (2 s), and at once if the process is started again.',
      [
        'test/simulation/fleet-simulation.test.ts',
        'deaths of processes that the store can look up > requeue what a killed pod held, within a heartbeat (seed %i)',
        'deaths of processes that the store can look up > let a fleet that is started again go on at once (seed %i)',
      ],
      [
        'test/e2e/killed.test.ts',
        'a process that was killed > runs what it held at once, if it is started again under the same podId',
      ],
    ),
    held(
      [
        'If nothing can be proved, only silence decides.',
        'for a pod in another container (another PID namespace);',
        'after a reboot;',
        "on macOS and Windows, and where the process's own namespace has no `/proc`;",
        'for a worker thread that ended inside a live process;',
        'with `allowNetworkFileSystem`.',
      ],
      ['test/store/sqlite/pods/exited-pods.test.ts', 'only silence evicts > %s'],
      ['test/store/sqlite/pods/process-table.test.ts', 'the exit of a process > is not proved %s'],
    ),
    unheld('It introduces the cases below.', 'This is the case:'),
    held('An eviction by proof counts for `maxCrashes`, like an eviction by silence.', [
      'test/conformance/orphans-and-eviction.ts',
      'reports an orphan of an evicted pod as evicted, even if the pod leaves later',
    ]),
    held(
      'So if a step kills its process and a supervisor restarts that process at once, the step fails within seconds rather than minutes.',
      ['test/e2e/suspects.test.ts', 'fails only the step that kills its pod, with maxCrashes $maxCrashes'],
    ),
  ],
  'A pod stops itself before its peers may take its work': [
    held(
      'A pod has a time limit for an answered heartbeat: 11.25 s on SQLite and 135 s on Snowflake, with the default `deadAfterMs` of 15 s and 180 s.',
      [
        'test/fleet/self-fence.test.ts',
        'silent > fences the pod a margin before peers may declare it dead, counted from when the answered heartbeat was sent',
      ],
    ),
    held('If a heartbeat is not answered within a third of that limit, it is sent again.', [
      'test/fleet/hedged-call.test.ts',
      'with the intervals of %s > replaces a lost try after the resend limit, which leaves time for two of them',
    ]),
    held('So one lost heartbeat does not fence the pod.', [
      'test/fleet/stalls.test.ts',
      'a heartbeat that is lost > fences no pod, nor do two in a row: every $heartbeatIntervalMs ms',
    ]),
    held(
      'If no heartbeat is answered within the limit, the pod is fenced (`silent`): it claims, starts and settles nothing, and aborts its running handlers.',
      [
        'test/fleet/self-fence.test.ts',
        'silent > fences the pod a margin before peers may declare it dead, counted from when the answered heartbeat was sent',
      ],
      [
        'test/pool/fence.test.ts',
        'a fence > aborts what runs with CLAIM_ABORTED, and claims and settles nothing until the pod is admitted',
      ],
    ),
    held(
      'After a freeze (a suspended machine, a stopped process, a blocked event loop) the pod is fenced too (`frozen`).',
      [
        'test/fleet/self-fence.test.ts',
        'frozen > stops a stopped process before any timer has fired',
        'frozen > stops a stopped process by its timer if nothing else checks',
        'frozen > notices a suspended machine, whose monotonic clock stood still',
      ],
    ),
    held(
      'It starts and settles nothing until a heartbeat that was sent after the freeze is answered.',
      ['test/faults/suspended.test.ts', 'starts and settles nothing between the resume and an answered heartbeat'],
      [
        'test/fleet/heartbeat.test.ts',
        'a freeze > does not end with the answer to a heartbeat that was sent before it',
      ],
    ),
    held('Handlers that are already running continue.', [
      'test/pool/fence.test.ts',
      'a halt > lets handlers run, and claims, starts and settles nothing until the pod is admitted',
    ]),
  ],
  'Two leaders do no harm': [
    held(
      ['The oldest live pod that is eligible leads.', 'If no pod is eligible, the oldest live pod leads.'],
      ['test/fleet/elector.test.ts', 'the leader > is the oldest pod'],
      ['test/facade/fleet.test.ts', 'the oldest pod leads, the next takes over when it leaves, and the reports agree'],
    ),
    held(
      'A leader saves work, but the guarantees also hold with two leaders.',
      ['test/fleet/recovery.test.ts', 'a recovery cycle > does no harm if two pods run it at once'],
      ['test/conformance/orphans-and-eviction.ts', 'lets two leaders recover at once: one settles, the other loses'],
    ),
    held(
      'The leader settles orphaned steps with their fences, as any pod does.',
      [
        'test/conformance/orphans-and-eviction.ts',
        'settles an orphan in the name of the leader, so that the old holder loses its claim',
      ],
      [
        'test/conformance/fencing.ts',
        'refuses another pod, and another incarnation of the same pod, after the holder has settled',
      ],
    ),
  ],
  'Pods that share an UPDATE stay independent': [
    held(
      'On Snowflake, pods that work at the same time combine their exchanges: one `UPDATE` serves the requests of many.',
      [
        'test/store/snowflake/logged-exchange.test.ts',
        'among pods that exchange > a request is logged, and the pod at the head serves all with one UPDATE',
        'among pods that exchange > a request that another pod serves sends no UPDATE',
      ],
    ),
    held(
      'No guarantee depends on which pod sends it, on how many pods send one, or on how late they read.',
      ['test/store/snowflake/random-faults.test.ts', '$pods, complete $count steps, each once, … % of each, SEED=…'],
      [
        'test/store/snowflake/exchange-statement.test.ts',
        'takes no claim over and settles nothing twice, however old its source is',
      ],
      [
        'test/store/snowflake/combining/fleet-model.test.ts',
        'a fleet that combines > reads that are up to 5 s late run no step twice, and cost ten pods a tenth',
      ],
    ),
    held('If the pod whose turn it is dies or freezes, the next pod sends the `UPDATE`.', [
      'test/store/snowflake/logged-exchange.test.ts',
      'among pods that exchange > a head that stays silent is overtaken, sooner by the next pod than by a later one',
    ]),
    held('If no look shows a request, its pod logs it again, and sends the `UPDATE` itself in the end.', [
      'test/store/snowflake/logged-exchange.test.ts',
      'among pods that exchange > a request that no look shows is logged again, three times at most, and then served by its own pod',
    ]),
    held(
      'A claim is run once, even if a read shows it late, more than once, or under the token of an earlier request.',
      [
        'test/store/snowflake/logged-exchange.test.ts',
        'claims under tokens of the last two minutes > are handed to the pool under the token that they have, whichever is the newest',
        'claims under tokens of the last two minutes > are handed to the pool once, and never after they were settled',
      ],
      [
        'test/store/snowflake/combining/recent-tokens.test.ts',
        'a claim is new once, by its step, token and version together',
        'a claim is remembered for longer than its token is asked for',
      ],
      [
        'test/store/snowflake/combining/fleet-model.test.ts',
        'the same fleet is worse > if claims are not remembered: a late look runs a settled step again',
      ],
    ),
    held(
      'If Snowflake refuses an `UPDATE` that serves several pods, and the refusal is permanent, the pod repeats it for its own request alone.',
      [
        'test/store/snowflake/logged-exchange.test.ts',
        'among pods that exchange > an UPDATE that is refused permanently is repeated alone, then as settlements, and only then fails',
      ],
    ),
    held(
      'So the request that is at fault fails at its own pod, and the other pods continue.',
      [
        'test/store/snowflake/exchange.test.ts',
        'settlements > go alone only if the UPDATE that serves other pods, too, is refused permanently',
      ],
      [
        'test/store/snowflake/store.test.ts',
        'sends its own settlements alone if the UPDATE that serves all pods is refused permanently',
      ],
    ),
    held(
      'A request that was written by hand, or that is dated ahead, is ignored or limited, and delays no other.',
      [
        'test/store/snowflake/look-statement.test.ts',
        'is spoilt by no request that was written by hand',
        'takes no slot time into account that no pod can have measured',
        'counts no request that is dated more than a minute ahead',
        'is followed by no UPDATE that serves a request dated ahead',
      ],
      [
        'test/store/snowflake/combining/pace.test.ts',
        'the interval between two exchanges > is bounded, whatever a request written by hand reports',
      ],
    ),
    held(
      'The interval between the exchanges of a pod grows with the number of busy pods.',
      [
        'test/store/snowflake/combining/pace.test.ts',
        'the interval between two exchanges > lets all pods together use half of the slots',
      ],
      [
        'test/store/snowflake/combining/pacer.test.ts',
        'the pace > spreads a fleet of forty over 4.5 s each, counted from the start of the exchange',
      ],
    ),
    held(
      [
        'So UPDATEs hardly ever wait for the lock of the table.',
        'In a model of the warehouse and its locks, at most three UPDATEs of 40 busy pods wait at a time, once the pods have found their pace.',
      ],
      [
        'test/store/snowflake/combining/fleet-model.test.ts',
        'a fleet that combines > forty busy pods use their capacity, and hardly any UPDATE waits for another',
      ],
    ),
    held('If too many statements wait for a lock all the same, Snowflake turns the next one away.', [
      'test/store/snowflake/lock-backoff.test.ts',
      'waits until the lock time-out, which is back-pressure, and refuses one more at once',
    ]),
    held(
      [
        'The pod sends it again later, and exchanges less often for a while (`store:throttled`).',
        'This is not an error, and nothing is lost or run twice.',
      ],
      [
        'test/store/snowflake/insert-locks.test.ts',
        'pods whose requests are turned away say so, slow down, and recover; every step runs once',
      ],
      [
        'test/store/snowflake/logged-exchange.test.ts',
        'among pods that exchange > an UPDATE that is turned away leaves the rest to others',
      ],
    ),
    held(
      'If it lasts for two minutes, the exchange fails with `STORE_BUSY`, and is repeated.',
      [
        'test/store/snowflake/lock-backoff.test.ts',
        'a statement that is turned away > fails with STORE_BUSY after two minutes',
      ],
      [
        'test/store/snowflake/logged-exchange.test.ts',
        'among pods that exchange > an UPDATE that is turned away for two minutes fails the exchange as busy',
      ],
    ),
  ],
  'A fleet that sleeps misses no work': [
    held(
      'On Snowflake a fleet without work sleeps, and sends nothing that needs the warehouse.',
      [
        'test/store/snowflake/sleep.test.ts',
        'sends nothing that needs the warehouse while it sleeps, and a submission here wakes all',
      ],
      [
        'test/fleet/sleep.test.ts',
        'a pod that sleeps > asks only for the token, and once an hour for the number of rows',
      ],
    ),
    held('`waitFor` does not keep the warehouse awake.', [
      'test/store/snowflake/sleep.test.ts',
      'lets the warehouse suspend, also while a client waits for a step',
    ]),
    held(
      [
        'A pod falls asleep only after two looks have found nothing to do.',
        'They are at least `sleep.quietForMs` (30 s) apart, and the table must not have changed between them.',
      ],
      [
        'test/fleet/sleep.test.ts',
        'a pod that has nothing to do > stays awake while looks are quiet for less than the gap',
        'a pod that has nothing to do > counts anew when an exchange finds work, when this process submits, and when the token moves',
      ],
      [
        'test/fleet/quiet-spell.test.ts',
        'QuietSpell > lets a pod sleep after two looks that are far enough apart, under one token that was read before both',
        'QuietSpell > does not count a look that began before the token was read',
        'QuietSpell > lets a pod sleep only after a quiet gap under one token, whatever happens',
      ],
    ),
    held(
      'A pod that holds a claim, or whose sleep could not be stored, stays awake.',
      [
        'test/pool/sleep.test.ts',
        'a pool > stays awake while a handler runs',
        'a pool > stays awake while a claim has not started',
        'a pool > stays awake while an outcome has no receipt',
        'a pool > stays awake while a claim may have been made whose answer was lost',
      ],
      [
        'test/fleet/sleep.test.ts',
        'a pod that has nothing to do > stays awake while its pool holds something',
        'a pod that has nothing to do > stays awake and works on if its announcement %s, and tells nobody that it slept',
      ],
    ),
    held(
      ['A pod that sleeps wakes if there is work:', 'A submission in its own process wakes it at once.'],
      ['test/fleet/sleep.test.ts', 'a pod that sleeps > wakes by %s, as the incarnation that it was'],
      [
        'test/store/snowflake/sleep.test.ts',
        'sends nothing that needs the warehouse while it sleeps, and a submission here wakes all',
      ],
    ),
    held(
      [
        'If the table changes, it wakes at its next question, up to 12.5 s later.',
        'So a step that another process submits, or another program inserts with SQL, wakes the whole fleet.',
      ],
      ['test/fleet/sleep.test.ts', 'a pod that sleeps > wakes by %s, as the incarnation that it was'],
      [
        'test/store/snowflake/sleep.test.ts',
        'is woken by a step that another program inserts',
        'finds a step of another program under a token that is %s',
      ],
    ),
    held(
      'A step that falls due wakes it in time, even if its machine was suspended or its wall clock was changed.',
      [
        'test/fleet/sleep.test.ts',
        'a pod that sleeps > wakes when the next step is due, and not before',
        'a pod that sleeps > wakes when the next step is due though the question for the token %s',
        'a pod that sleeps > looks in time though its wall clock is set back by a year',
        'a pod that sleeps > looks at a step that is due though the monotonic clock stood still while its machine was suspended',
      ],
      ['test/store/snowflake/sleep.test.ts', 'is woken by a step that falls due'],
    ),
    held(
      [
        'It does not trust the change token alone.',
        'It counts the rows once an hour, and wakes to look every six hours, whatever the answers were.',
      ],
      ['test/fleet/sleep.test.ts', 'a pod that sleeps > wakes by %s, as the incarnation that it was'],
      [
        'test/store/snowflake/sleep.test.ts',
        'finds a step of another program by the number of rows, though the token stands still',
      ],
    ),
    held('If it cannot read the token for an hour, it wakes.', [
      'test/fleet/sleep.test.ts',
      'a pod that sleeps > looks if the token cannot be read for as long as between two checks',
    ]),
    held(
      'So a wrong token only delays a step: it loses none, and lets none run twice.',
      [
        'test/store/snowflake/sleep.test.ts',
        'finds a step of another program under a token that is %s',
        'finds a step of another program by the number of rows, though the token stands still',
      ],
      [
        'test/simulation/sleep.test.ts',
        'a fleet that sleeps > loses nothing, evicts no living pod, and sleeps when all is done (seed %i)',
      ],
    ),
    held(
      'A pod that sleeps is not evicted, however long it is silent, and is not fenced.',
      ['test/conformance/orphans-and-eviction.ts', 'does not evict a pod that sleeps, however silent'],
      [
        'test/fleet/sleep.test.ts',
        'a pod that sleeps > is not evicted, and is neither fenced nor renewed, after its process stood still for hours',
      ],
      [
        'test/simulation/sleep.test.ts',
        'a fleet that sleeps > loses nothing, evicts no living pod, and sleeps when all is done (seed %i)',
      ],
    ),
    held(
      'It wakes as the same incarnation, and claims nothing before a heartbeat is answered.',
      ['test/conformance/membership.ts', 'wakes a pod that sleeps, with its old birth'],
      [
        'test/fleet/sleep.test.ts',
        'a pod that sleeps > wakes by %s, as the incarnation that it was',
        'a pod that sleeps > claims nothing until a heartbeat is answered',
      ],
    ),
    held('Once all pods are awake, the leader is the one from before.', [
      'test/fleet/sleep.test.ts',
      'a fleet that sleeps > has its old leader again once all are awake, and evicts nobody, however slowly they wake',
    ]),
    held(
      'A pod that leads stays awake beside a pod that has been silent for longer than its `deadAfterMs`, until it has evicted it.',
      [
        'test/fleet/sleep.test.ts',
        'a fleet that sleeps > evicts a pod that died while all others slept when it wakes, and only the leader stays awake for that',
      ],
    ),
    held(
      [
        'Every claim changes the table, so it wakes the others.',
        'If the pod that holds the claim then dies, one of them recovers the step.',
      ],
      ['test/conformance/pulse-and-watch.ts', 'changes its pulse with every change of a step'],
      [
        'test/fleet/sleep.test.ts',
        'a fleet that sleeps > recovers a step of a pod that dies at work after the others had slept',
      ],
      [
        'test/conformance/orphans-and-eviction.ts',
        'finds the claims of pods that were evicted, have left or sleep, with holder and reason',
      ],
    ),
  ],
  'Stopping charges no attempts': [
    held('`stop()` lets running steps finish within `drainTimeoutMs` and aborts the rest.', [
      'test/pool/execution/aborts.test.ts',
      'stop > lets running handlers finish, and settles them',
      'stop > aborts with STOPPED after the drain time, and gives the step back uncharged',
    ]),
    held(
      'It gives unstarted and aborted claims back without charging an attempt (see Charged), leaves the fleet, and closes the store.',
      [
        'test/pool/claims/give-back.test.ts',
        'pause > stops claiming, lets what runs go on, and gives back what has not started',
      ],
      [
        'test/facade/work.test.ts',
        'stopping and pausing > stop lets running steps finish, and gives unstarted ones back uncharged',
      ],
      ['test/facade/life.test.ts', 'start and stop > emits queue:stopped once the store is closed'],
      ['test/fleet/heartbeat.test.ts', 'a pod that stops > leaves once'],
    ),
    held(
      'After `stop()` no timer, open handle or claim remains, with one exception: strays.',
      ['test/pool/execution/aborts.test.ts', 'stop > resolves with the number of strays, and leaves nothing behind'],
      [
        'test/facade/life.test.ts',
        'start and stop > stop while a submission waits to be repeated leaves no timer, and reports the error of the store',
      ],
    ),
    held('While the queue drains, handlers and listeners may use it as before.', [
      'test/facade/draining.test.ts',
      'while the queue drains > serves every call of a handler, whose step completes uncharged',
      'while the queue drains > waits for an asynchronous listener, and for the calls that it makes',
    ]),
  ],
  'Events report what has happened': [
    held("An event about a settlement is emitted after the store's receipt.", [
      'test/pool/execution/outcomes.test.ts',
      'events > no event of an outcome is emitted before its receipt',
    ]),
    held(
      'If a listener throws, nothing else is affected.',
      ['test/facade/work.test.ts', 'isolation > a listener that throws or rejects affects nothing else'],
      ['test/pool/execution/outcomes.test.ts', 'events > a listener that throws affects no other listener'],
    ),
    unheld(
      'A limit.',
      'Events live in memory: if the process dies between the receipt and the listener, the event is not emitted.',
    ),
  ],
  'A step waits for its time': [
    unheld('It introduces the two.', 'There are two kinds of time.'),
    held(
      [
        "A delay (`delayMs`, a retry's delay, `ctx.release({ delayMs })`) is a duration on the store's clock.",
        'The step waits at least that long.',
      ],
      ['test/conformance/submitting.ts', 'makes a step due after delayMs by the clock of the store, and not before'],
      [
        'test/store/sqlite/clock/wall-clock-offsets.test.ts',
        'a wall clock that is corrected while a pod lives > by %i ms: no delay and no retry changes',
      ],
    ),
    held('`runAt` is an instant of the real world, as a correct wall clock shows it.', [
      'test/conformance/clocks.ts',
      'starts a step at runAt if the wall clock of its submitter and its holder is an hour %s',
      'shows the submitted runAt, to the holder too, until a retry is delayed',
    ]),
    held(
      ["Snowflake: The server's clock (`SYSDATE`) decides both.", 'The clocks of the pods do not matter.'],
      [
        'test/conformance/clocks.ts',
        'starts a step at runAt if the wall clock of its submitter and its holder is an hour %s',
      ],
    ),
    held("SQLite: The store's clock follows the host's monotonic clock.", [
      'test/store/sqlite/clock/store-clock.test.ts',
      'the clock > runs by monotonic time, so no step of the wall clock moves it',
    ]),
    held('The file also records how far the wall clock is ahead of it.', [
      'test/store/sqlite/clock/wall-clock-offsets.test.ts',
      'a wall clock that is corrected while a pod lives > keeps a bounded record of corrections',
    ]),
    held('The oldest live pod compares the two with each heartbeat.', [
      'test/store/sqlite/clock/wall-clock-offsets.test.ts',
      'the pod that records the wall clock > is the oldest pod that is awake and sends heartbeats',
    ]),
    held(
      'If the difference has changed by more than 100 ms, it records the new difference, and every step that waits for a `runAt` follows it.',
      [
        'test/store/sqlite/clock/wall-clock-offsets.test.ts',
        'a wall clock that is corrected while a pod lives > follows many small changes once their sum is large enough, not each of them',
        'a wall clock that is corrected while a pod lives > an hour back: a step waits for its instant, even if it was due before and not claimed',
      ],
    ),
    held('Steps with `delayMs` and retries do not.', [
      'test/store/sqlite/clock/wall-clock-offsets.test.ts',
      'a wall clock that is corrected while a pod lives > by %i ms: no delay and no retry changes',
    ]),
    unheld(
      'It introduces the case.',
      'Example: the wall clock was wrong when the first pod started, and is corrected later.',
    ),
    held(
      [
        'The correction is noticed within one heartbeat (2 s).',
        'A step that becomes due because of the correction may start one more idle interval (1 s) later.',
      ],
      [
        'test/faults/wall-clock.test.ts',
        'a wall clock that is an hour %s at the first start, and is put right > runs a step at its instant, submitted before or after the correction',
      ],
      [
        'test/simulation/clocks.test.ts',
        'runAt follows real time and delays the time awake, whatever the wall clock does',
      ],
    ),
    unheld('It introduces the list below.', 'After that:'),
    held(
      ['No step starts before its `runAt`.', 'A step that was already due, but not claimed, waits again.'],
      [
        'test/store/sqlite/clock/wall-clock-offsets.test.ts',
        'a wall clock that is corrected while a pod lives > an hour back: a step waits for its instant, even if it was due before and not claimed',
        'a wall clock that is corrected while a pod lives > holds a step back when it is claimed, before any step has been moved',
      ],
    ),
    unheld('A limit.', 'If a wrong clock has already started a step, that cannot be undone.'),
    held(
      'No step starts late.',
      [
        'test/store/sqlite/clock/wall-clock-offsets.test.ts',
        'a wall clock that is corrected while a pod lives > an hour forward: steps whose instant has passed are due at once, and the others in time',
      ],
      [
        'test/faults/wall-clock.test.ts',
        'wakes a sleeping pod when a clock that is set forward makes a step due earlier',
      ],
    ),
    held(
      'If the oldest pod dies without leaving, the next pod keeps the time once the dead pod has missed three of its own heartbeats.',
      [
        'test/store/sqlite/clock/wall-clock-offsets.test.ts',
        'pods whose wall clocks differ > the next pod records it once the oldest is silent, and the oldest again once it is back',
      ],
    ),
    held('After a suspension of the host, `runAt` is correct at the first heartbeat.', [
      'test/faults/wall-clock.test.ts',
      'runs a step at its instant after the host was suspended',
    ]),
    held(
      'A delay counts only the time in which the host was awake, if the monotonic clock stops during a suspension (as on Linux).',
      [
        'test/store/sqlite/clock/wall-clock-offsets.test.ts',
        'a suspended host > runs a step at its instant after the resume, and counts a delay in time awake',
      ],
    ),
    held(
      "A restart of all pods does not change this: as long as the host is not rebooted, the store's clock continues.",
      [
        'test/store/sqlite/clock/store-clock.test.ts',
        'the clock > continues within one boot after a long time without pods if the wall clock %s',
        'the clock > continues from the newest heartbeat of a living fleet, whatever the wall clock says',
      ],
    ),
    held(
      [
        'After a reboot the wall clock says how much time has passed.',
        'If the wall clock is wrong at that moment, delays are wrong by the same amount.',
      ],
      [
        'test/store/sqlite/clock/store-clock.test.ts',
        'the clock > continues from the wall clock after another boot, minus the recorded offset',
      ],
    ),
    held("The store's clock never goes back to a time before the last one recorded in the file.", [
      'test/store/sqlite/clock/store-clock.test.ts',
      'the clock > never starts below the newest instant in the file',
      'the clock > never goes back, and is as fast as real time',
    ]),
    held(
      [
        '`createdAt`, `updatedAt` and `runAt` of a step show real-world time as the store knew it when the value was written.',
        'A later correction does not change a value that was once shown.',
      ],
      [
        'test/store/sqlite/clock/wall-clock-offsets.test.ts',
        'a suspended host > shows times from before the suspension unchanged, and later times by the current wall clock',
        'wall times > use the offset that was valid at each instant',
      ],
    ),
    held('`runAt` always shows the instant that was submitted, until a retry or a release sets another.', [
      'test/conformance/clocks.ts',
      'shows the submitted runAt, to the holder too, until a retry is delayed',
    ]),
    held("The columns of the file hold the store's clock; the table `WALL_CLOCK` holds the differences.", [
      'test/store/sqlite/clock/wall-clock-offsets.test.ts',
      'a wall clock that is corrected while a pod lives > keeps a bounded record of corrections',
    ]),
    unheld(
      'A limit.',
      'A process whose own clock is wrong computes a wrong `runAt`: `new Date(Date.now() + 60_000)` is wrong by the same amount as its clock.',
    ),
    unheld('Advice.', 'Use `delayMs` for "in a minute".'),
    held("Each pod compares its clock with the store's at every heartbeat.", [
      'test/conformance/clocks.ts',
      'reports a wall clock that agrees as not ahead',
      'reports how far a wall clock is %s',
    ]),
    held(
      'If they differ by more than a second, it logs this once, and `health().warnings` says by how much.',
      ['test/fleet/wall-clock-check.test.ts', 'logs a difference once when it begins, and once when it ends'],
      ['test/fleet/health.test.ts', 'health > warns of a wall clock that is %i ms off, and stays healthy'],
    ),
    held(
      'The pod stays healthy, because only `runAt` values computed by it are wrong, and a restart does not correct a clock.',
      ['test/fleet/health.test.ts', 'health > warns of a wall clock that is %i ms off, and stays healthy'],
      [
        'test/faults/wall-clock.test.ts',
        'a pod whose wall clock alone is an hour %s the others’ > causes a warning while it lasts, keeps the pod healthy, and runs steps at their instants',
      ],
    ),
    held('On Snowflake, a difference that the round trip can explain is ignored.', [
      'test/conformance/clocks.ts',
      'reports a wall clock that agrees as not ahead',
    ]),
    held(
      'On SQLite the reference is the clock of the oldest pod, because there is no server.',
      [
        'test/faults/wall-clock.test.ts',
        'a pod whose wall clock alone is an hour %s the others’ > is the reference if its pod is the oldest, and the other pods warn',
      ],
      [
        'test/store/sqlite/clock/wall-clock-offsets.test.ts',
        'pods whose wall clocks differ > by %i ms: the oldest pod records the wall clock, without flapping',
      ],
    ),
  ],
  'Only a step that kills its pods fails because of it': [
    held(
      'A step fails with `STEP_CRASHED_POD` only if two pods were evicted while they held it, and then another pod was evicted while it held only this step.',
      [
        'test/fleet/recovery.test.ts',
        'a recovery cycle > fails a suspect that was alone on a dead pod, with maxCrashes %i',
        'a recovery cycle > fails no step for %s',
        'a recovery cycle > fails no suspect beside which its pod held another claim, whatever the token says',
      ],
    ),
    held('A step with two or more crashes is a suspect.', [
      'test/step/crash-suspect.test.ts',
      'a step is a suspect from its second crash on',
    ]),
    unheld('It introduces the list below.', 'So:'),
    held(
      [
        'If a step was held by a pod that died but did not run, or ran next to the step that killed the pod, it never fails because of that.',
        'It becomes due again and completes.',
      ],
      [
        'test/simulation/suspects.test.ts',
        'among killers and kills from outside > only killers fail (maxCrashes $maxCrashes, seed $seed)',
      ],
      ['test/e2e/suspects.test.ts', 'fails only the step that kills its pod, with maxCrashes $maxCrashes'],
    ),
    held(
      [
        'A step that kills its pod each time fails at its third death, or after `maxCrashes` + 1 deaths if that is more.',
        'Two deaths make the step a suspect, whatever else the pods held.',
        'One more death, of a pod that held only this step, proves it.',
        'So `maxCrashes` 0, 1 and 2 mean the same.',
      ],
      [
        'test/fleet/recovery.test.ts',
        'a recovery cycle > fails a suspect that was alone on a dead pod, with maxCrashes %i',
      ],
      ['test/e2e/suspects.test.ts', 'fails only the step that kills its pod, with maxCrashes $maxCrashes'],
    ),
    unheld(
      'A limit.',
      'The library cannot know whether a step killed its pod or something else did (an operator, or the host was out of memory).',
    ),
    held(
      'A step fails because of such kills only if they hit it twice, and then again while it ran alone: `maxCrashes` − 1 times, but at least once.',
      [
        'test/simulation/suspects.test.ts',
        'among killers and kills from outside > only killers fail (maxCrashes $maxCrashes, seed $seed)',
      ],
    ),
    unheld('The reason for the next sentence.', 'If a process dies, all its queues die.'),
    held(
      'So a suspect runs alone in its process: while it runs, the other queues of the process claim and start nothing, whatever their store.',
      [
        'test/pool/suspects/pools-of-process.test.ts',
        'a suspect whose process has another queue > runs once the other is empty, which starts nothing until the suspect has its outcome',
        'a suspect whose process has another queue > does not start while that runs something, and is never held by a token that says "alone"',
      ],
      [
        'test/pool/suspects/suspects.test.ts',
        'a suspect that comes to an empty pod > runs at once, and nothing runs beside it',
      ],
    ),
    unheld(
      'A limit, and advice.',
      'Queues in worker threads of one process do not know of each other.',
      'If a step may kill its process, give each queue a process of its own.',
    ),
    held(
      'A suspect waits in the store until a pod is empty.',
      ['test/conformance/suspects.ts', 'claims no step with two crashes without quarantine, and claims the others'],
      [
        'test/pool/suspects/suspects.test.ts',
        'a suspect that comes to a busy pod > is never held by a token that says that the pod was empty',
      ],
    ),
    held('If a busy pod meets a suspect, it claims nothing until its handlers have ended, for up to 5 s.', [
      'test/pool/suspects/suspects.test.ts',
      'a suspect that comes to a busy pod > leaves free slots empty for 5 s at first; then the pod works on for at least as long',
    ]),
    held(
      'If they need longer, the pod does other work for at least 5 s, and then waits again, this time for up to 10 s, and so on.',
      [
        'test/pool/suspects/suspects.test.ts',
        'a suspect that comes to a busy pod > leaves free slots empty for 5 s at first; then the pod works on for at least as long',
        'a suspect that comes to a busy pod > runs in the end, however long the other handlers take, and the pod goes on meanwhile',
      ],
    ),
    held(
      'So a suspect runs even if all pods are always busy, within about seven times the run time of the longest handler.',
      [
        'test/simulation/suspects.test.ts',
        'in a fleet that is always busy > suspects run in the end, and other work runs meanwhile (seed %i)',
      ],
      [
        'test/pool/suspects/suspects.test.ts',
        'a suspect that comes to a busy pod > runs in the end, however long the other handlers take, and the pod goes on meanwhile',
      ],
    ),
    held(
      'And a pod never spends more than about half of its time on suspects while there is other work.',
      [
        'test/pool/suspects/suspects.test.ts',
        'a suspect that comes to a busy pod > is followed by a rest as long as its run and its wait together',
      ],
      [
        'test/simulation/suspects.test.ts',
        'in a fleet that is always busy > suspects run in the end, and other work runs meanwhile (seed %i)',
      ],
    ),
    held('Handlers that never end, and strays, keep a pod from running suspects.', [
      'test/pool/suspects/suspects.test.ts',
      'a suspect that comes to an empty pod > that becomes a stray no longer blocks other steps, but no suspect runs beside it',
    ]),
    held('Queues that share a process take turns.', [
      'test/pool/suspects/pools-of-process.test.ts',
      'suspects of two queues that both have other work run, one at a time, beside nothing',
    ]),
    held('If a queue meets a suspect, it also stops the others from claiming, for at most the times given above.', [
      'test/pool/suspects/pools-of-process.test.ts',
      'a suspect whose process has another queue > keeps the other from work for 5 s at first; then that works on for at least as long',
    ]),
    held(
      'After each turn the process continues with other work for as long as the turn took, unless there is nothing to do.',
      [
        'test/pool/suspects/pools-of-process.test.ts',
        'a suspect whose process has another queue > keeps the other from work for 5 s at first; then that works on for at least as long',
      ],
    ),
    unheld('It follows from the sentence before.', 'So with several queues in a process a suspect may wait longer.'),
    held('If a queue is the only one that was started in its process, this costs nothing.', [
      'test/pool/suspects/suspects.test.ts',
      'a suspect that comes to an empty pod > runs at once, and nothing runs beside it',
    ]),
  ],
  'Bad input changes nothing': [
    held(
      'Bad input gets a typed error that names the field and shows the value, before anything is written.',
      [
        'test/facade/bad-input.test.ts',
        'options > %s',
        'a submitted step > %s',
        'a submitted step > submitMany writes nothing if one step is bad, and says which',
        'registration > %s',
      ],
      ['test/step/submission.test.ts', 'bad input gets an error that names the field and shows the value > %s'],
    ),
  ],
  'The host stays responsive': [
    held(
      'No call of the library blocks the event loop of the host process for more than about 10 ms, whatever the size of the batch or of the history.',
      ['test/pool/execution/yield.test.ts', '%s handlers that chain let the event loop turn every few ms'],
      ['test/faults/backlog.test.ts', '… steps that are submitted while no pod works block no host and are all run'],
      ['test/store/sqlite/helper/store-helper.test.ts', '%s > deletes at most 500 rows a piece in retention'],
      ['test/store/sqlite/exchange/batch-size.test.ts', 'the batch size > approaches what fits 2 ms'],
    ),
    unheld('The exceptions to the sentence before.', 'Opening a file and migrating it are the exceptions.'),
  ],
  Order: [
    held('Steps are claimed by priority, highest first; then by due time; then in the order of submission.', [
      'test/conformance/claiming.ts',
      'claims by priority, then by due time, then in the order of submission',
    ]),
    held(
      'This also holds for steps with ids or keys of their own, and a batch keeps its order.',
      [
        'test/conformance/claiming.ts',
        'claims steps of equal rank in the order of submission, whatever their ids: a batch in its own order, one batch after another',
      ],
      ['test/facade/own-queue.test.ts', 'a batch, and calls of one turn, run in the order of submission'],
    ),
    held('A step that is given back keeps its place among steps of the same priority and due time.', [
      'test/conformance/claiming.ts',
      'keeps the rank of a released step among its equals',
      'keeps the turn of a step that was released without a delay',
    ]),
    held('Such steps never starve one another.', [
      'test/conformance/claiming.ts',
      'claims the step that has been due longest first, whenever it was submitted',
    ]),
    unheld('A limit.', 'Strict priority may starve steps of low priority.'),
    held('The order holds for all due steps, however many steps become due at the same time.', [
      'test/store/sqlite/claiming/unpromoted-backlog.test.ts',
      'a claim > takes the first by rank of any backlog, promoted or not (%s)',
    ]),
    held('If an urgent step becomes due behind 100,000 others, it is the next to be claimed.', [
      'test/store/sqlite/claiming/unpromoted-backlog.test.ts',
      'a claim > finds the urgent step behind %i steps that were due before it',
    ]),
    held('On Snowflake the order is approximate if several pods work on one backlog and read late; see Late reads.', [
      'test/store/snowflake/backlog-sharing.test.ts',
      'each claim a fair share of it, although neither sees what the other has claimed (SEED=…)',
    ]),
    held('If all claims of a pod are accepted, that pod follows the order.', [
      'test/store/snowflake/exchange.test.ts',
      'an UPDATE that was refused steps which read as due > begins at the front if nothing was refused, or if no read is late',
    ]),
    held(
      [
        'A pod may start steps that it has already claimed before an urgent step, but the urgent step does not wait for all of them.',
        'If a pod holds claims that cannot start within the prefetch time (two exchange intervals, at least 1 s), it gives them back, and all claims of lower rank too.',
      ],
      [
        'test/pool/claims/give-back.test.ts',
        'claims that cannot start > are given back uncharged, and nothing is prefetched for two exchanges',
        'claims that cannot start > are kept for a second, however fast the store is',
        'claims that cannot start > go back after a second, whatever else the pool did meanwhile',
      ],
    ),
    held(
      [
        'So an urgent step waits at most for that time, one free slot, and two exchanges.',
        'It then gets the next free slot for its type, before all steps of lower rank.',
      ],
      [
        'test/pool/planning/prefetch.test.ts',
        'an urgent step that becomes due behind a full ready queue > is claimed once the waiting claims have started or were given back, and starts next: %i ms, %i',
      ],
    ),
    held(
      [
        'A bound for starvation: On SQLite, a due step of the highest priority that is present starts at most so much later than in a strict queue: the prefetch time, the longest handler of its type, and two exchanges.',
        'It does not depend on the backlog, nor on the load.',
      ],
      [
        'test/simulation/fairness.test.ts',
        'under a load of %d times the capacity > a step waits for little longer than strict order would let it (seed %i)',
        'under a load of %d times the capacity > an urgent step waits for no more than the bound, whatever the backlog',
      ],
    ),
    held(
      'The reason: claims are in strict order, and a claim that waits for longer than the prefetch time is given back and keeps its place.',
      [
        'test/pool/planning/prefetch.test.ts',
        'an urgent step that becomes due behind a full ready queue > is claimed once the waiting claims have started or were given back, and starts next: %i ms, %i',
      ],
    ),
    unheld(
      'A measurement of that test, over a longer time.',
      'In simulated fleets of four pods with 2 to 8 slots, handlers of up to 1.55 s and exchanges of up to 0.2 s (a bound of 3.2 s), the worst of 21,600 steps was 1.8 s late at 120 % of the capacity.',
    ),
    unheld(
      'A measurement of the experiments with whole fleets, npm run sim:fleets.',
      'On Snowflake the bound is longer, because pods exchange less often, and it holds as long as reads are not late: the time for which a pod claims ahead (a quarter more than the interval between two exchanges), twice the longest handler, and two intervals.',
      'For 100 pods with steps of 1 s that is 39 s, and the worst of 350,000 simulated steps was 14.7 s late; with steps of 60 s it is 157 s, and the worst was 122 s.',
      'Five urgent steps every 2 s beside a backlog of 30,000 started within 3.5 s (99th percentile).',
      'The table has each load.',
    ),
    held(
      'If a pod handles more than 300 types (SQLite) or 5,000 (Snowflake), and more than that many of them have due steps, it does not look at all of them in one exchange: the types take turns.',
      [
        'test/store/sqlite/claiming/types-to-walk.test.ts',
        'a pod of 1,000 types > claims steps of every type if all types have some, and notices when none are left',
      ],
      [
        'test/store/snowflake/type-selection.test.ts',
        'the types of an exchange > take turns if they do not fit: %i types',
      ],
    ),
    held('The order then holds only within a turn.', [
      'test/store/sqlite/claiming/types-to-walk.test.ts',
      'a pod of 1,000 types > claims the steps that ranked first before, along with the types whose turn it is',
    ]),
    held(
      'On SQLite such a pod also does this if more than 2,000 types have due steps, whether it handles them or not.',
      ['test/store/sqlite/claiming/unpromoted-backlog.test.ts', 'a claim > walks through a bounded number of types'],
    ),
  ],
  'What each failure does': [
    held(
      '"Pending again" means: due at once and not charged (`retryCount` does not change), unless the text says otherwise. If a pod was evicted while it held the step, `crashes` of the step rises by one. There is one exception: once a step is a suspect, an eviction counts only if the pod held nothing else. Above you can read how this can lead to `STEP_CRASHED_POD`.',
      [
        'test/conformance/settling.ts',
        'releases a step uncharged, and keeps its runAt if there is no delay',
        'counts a crash apart from retries',
      ],
      [
        'test/conformance/orphans-and-eviction.ts',
        'reports an orphan of an evicted pod as evicted, even if the pod leaves later',
      ],
    ),
  ],
  'Failures of a handler': [
    held(
      'It throws or runs out of time | Pending again after the retry delay, charged; failed after the last retry',
      [
        'test/pool/execution/outcomes.test.ts',
        'what a handler throws > %s is recorded, and the step is retried by the policy',
        'what a handler throws > fails permanently when the retries are used up',
      ],
      ['test/pool/execution/aborts.test.ts', 'a time-out > aborts the handler and is charged'],
    ),
    held(
      'It ignores its signal | After `abortGraceMs` the step is settled although the handler still runs. The handler keeps its slot as a stray',
      [
        'test/pool/execution/aborts.test.ts',
        'strays > keep their slots: after the grace the claim is settled without the handler',
      ],
    ),
    held(
      'It blocks the event loop for longer than `deadAfterMs` | Another pod finishes it; the late result is refused',
      [
        'test/faults/blocked.test.ts',
        'is evicted; another pod finishes the step; the late result is refused; the pod joins again and works',
      ],
    ),
    held('It blocks the event loop for that long, and there is no other pod | The late result is accepted', [
      'test/faults/blocked.test.ts',
      'has its late result accepted if no pod has evicted it, and nothing runs twice',
    ]),
    held(
      'It kills its process, each time | `STEP_CRASHED_POD`, after it has done so while it ran alone; the steps that ran with it complete',
      ['test/e2e/suspects.test.ts', 'fails only the step that kills its pod, with maxCrashes $maxCrashes'],
      [
        'test/faults/blocked.test.ts',
        'fails permanently once it has blocked each pod alone, and no other step fails with it',
      ],
    ),
    held(
      'It returns a value that cannot be stored | `RESULT_UNSERIALIZABLE`, `RESULT_TOO_LARGE` or `RESULT_UNSTORABLE`',
      [
        'test/pool/execution/outcomes.test.ts',
        'what a handler returns > %s fails the step permanently, with the reason',
      ],
    ),
  ],
  'Failures of a process or its machine': [
    held(
      'Killed (SIGKILL, out of memory). On SQLite the steps are pending again within one heartbeat, if the process has provably exited. Otherwise they are pending again within `deadAfterMs` and two recovery intervals. `crashes` rises by one.',
      [
        'test/simulation/fleet-simulation.test.ts',
        'deaths > requeue what a killed pod held, in time (seed %i)',
        'deaths of processes that the store can look up > requeue what a killed pod held, within a heartbeat (seed %i)',
      ],
      ['test/conformance/settling.ts', 'counts a crash apart from retries'],
    ),
    held(
      'Stopped by a signal (SIGTERM with `stopOnSignals`). The steps finish, or are pending again at once.',
      ['test/facade/fleet.test.ts', 'stopOnSignals stops the queue, calls onStopped, and can be removed'],
      [
        'test/facade/signals.test.ts',
        'stopOnSignals > stops all queues at once, and ends the process when all have stopped: …',
      ],
    ),
    held(
      'Frozen for long (SIGSTOP), while other pods live. The steps are recovered as if the pod had been killed. When it continues, it drops the steps that it held and joins as a new incarnation.',
      [
        'test/faults/suspended.test.ts',
        'gives the steps of one suspended machine to others; its pod returns as a new incarnation and settles nothing old',
      ],
    ),
    held(
      'The whole host suspended: All pods wait for a heartbeat, then continue. No pod is evicted, and running handlers continue.',
      ['test/faults/suspended.test.ts', 'fences all pods of a suspended host, evicts none, and continues'],
    ),
    held(
      'A wall clock set forward or back by an hour: Delays, retries and recovery are not affected. Steps with `runAt` follow the clock. A clock set forward costs its pod one extra heartbeat.',
      [
        'test/faults/clock.test.ts',
        'a wall clock %s by an hour %s > evicts no pod, and all pods work',
        'a wall clock %s by an hour %s > changes no delay and no retry, on any submitter and any pod',
        'a wall clock %s by an hour %s > neither speeds up nor delays recovery, also if it is the leader’s clock',
      ],
      [
        'test/fleet/heartbeat.test.ts',
        'a wall clock > that is set forward by an hour costs one fence and one heartbeat; the fleet goes on',
      ],
    ),
    held(
      'A newer version migrates the tables while an old pod runs: At its next heartbeat the old pod is fenced (`outdated`): it drains, gives back the rest and leaves. If it is started again, it fails with `STORE_SCHEMA_NEWER`.',
      [
        'test/faults/outdated.test.ts',
        'drains at its next heartbeat, gives its claims back uncharged, leaves, and never claims again',
        'refuses to open again, as a pod and as a client, with STORE_SCHEMA_NEWER, and changes nothing',
      ],
    ),
  ],
  'Failures of the store': [
    held(
      'The file is damaged: Any call that meets the damage fails with `STORE_CORRUPT`. No step is reported as ended unless it has ended. The pods keep the outcomes and send them again, with pauses. `health()` reports the damage. If you restore a backup, the queue continues from the state in the backup.',
      [
        'test/faults/corrupt.test.ts',
        'when it is opened > with %s overwritten, start and submit fail with STORE_CORRUPT each time, and leave the file as it is',
        'while pods work > submit and waitFor fail with STORE_CORRUPT, no step is reported as completed that is not, and health and an event report the damage',
        'while pods work > all acknowledged steps are run once a backup has replaced the file',
        'while pods work > the loops do not spin: each makes some dozens of calls a minute',
      ],
    ),
    held(
      'The file is deleted, moved or replaced: Every call fails with `STORE_FILE_REPLACED`. The pod fences itself after `deadAfterMs`, and nothing more is written. It continues if the same file is put back.',
      [
        'test/faults/moved-file.test.ts',
        'fails with STORE_FILE_REPLACED, reports it once and in health, and continues when the file is back',
      ],
    ),
    held(
      "Somebody changes or deletes the rows of running steps by SQL: The holder's settlement is `lost` (`step:lost`). The row stays as it was written.",
      ['test/faults/by-hand.test.ts', 'a step that is %s while it runs is lost to its pod, which continues to work'],
    ),
    held(
      'SQL writes numbers beyond 53 bits (a `version` of 2^53). Calls work as usual. The row is repaired when it is next claimed, settled, cancelled or recovered. The pod that held the step loses its claim.',
      [
        'test/store/sqlite/rows-written-by-sql.test.ts',
        'a 64-bit number that was written by hand > %s %s in a ready step: the step is claimed, fails, and completes',
        'a 64-bit number that was written by hand > %s %s in a running step: the step ends, or is given back',
        'a 64-bit number that was written by hand > version %s can be cancelled and retried',
        'a 64-bit number that was written by hand > version %s of a pod that left is recovered',
      ],
    ),
    held(
      'A table is missing for a while: Calls fail with `STORE_ALTERED`. Outcomes are kept, and the pods continue when the table is back.',
      ['test/faults/by-hand.test.ts', 'reports a missing table in health, and continues when the table is back'],
    ),
    held(
      'A newer version migrates the file under a client: From its next write on, its calls fail with `STORE_SCHEMA_NEWER`. Nothing is written that this version may not write.',
      [
        'test/faults/outdated.test.ts',
        'refuses the writes of a client that never started, still reads, and writes again once it may',
      ],
    ),
    held(
      'A newer version migrates the tables (Snowflake): Calls fail with `STORE_SCHEMA_NEWER`, by default within a minute. From then on nothing more is written. Steps that were written before stay.',
      [
        'test/store/snowflake/schema-version-guard.test.ts',
        'a process without heartbeats changes nothing more within a minute, and still settles what runs',
      ],
    ),
    held(
      'The file is on a network file system: Opening fails with `STORE_NETWORK_FS`, and no file is made, unless the option `allowNetworkFileSystem` allows it.',
      [
        'test/faults/network-fs.test.ts',
        'start, submit and stats fail with STORE_NETWORK_FS, name the file system, and create no file',
        'allowNetworkFileSystem uses the file like any other',
      ],
    ),
    held(
      'The disk is full: Calls fail with `STORE_FULL`, and nothing is written. Outcomes are kept and stored when there is space, so nothing runs twice. If a pod stops meanwhile, its steps are pending again.',
      [
        'test/faults/full-disk.test.ts',
        'submit fails with STORE_FULL, writes nothing, and succeeds under the same key once there is space',
        'the pool keeps its outcomes, runs nothing twice, and settles when there is space again',
        'a pod that stops meanwhile loses no step: unsettled steps run again',
      ],
    ),
    held(
      'Other processes hold the file for longer than `busyTimeoutMs`: Calls fail with `STORE_BUSY`, and nothing is written. Outcomes are kept, and no pod is evicted.',
      [
        'test/faults/locked.test.ts',
        'submit fails with STORE_BUSY after busyTimeoutMs, writes nothing, and succeeds afterwards',
        'while the file is held for %i ms, the pools keep their outcomes and no pod is evicted',
      ],
    ),
    held(
      'The store is away for minutes (it fails, hangs, or loses replies). Calls fail with `STORE_UNAVAILABLE`. The pods are fenced (`silent`) and abort their running handlers; no attempt is charged. No pod is evicted, and all continue afterwards.',
      ['test/faults/outage.test.ts', 'a store that %s for five minutes costs no pod and no step'],
    ),
    held(
      'The helper thread cannot start, dies or hangs: Calls give the same answers. Checkpoints, counts, lists and retention run inline in small pieces. A new thread starts after a pause of a minute to an hour.',
      [
        'test/faults/helper.test.ts',
        'where it %s > stats and long lists return, also several at the same time',
        'where it %s > every step is run once, and the -wal stays bounded',
        'where it %s > steps past their retention are deleted',
      ],
      [
        'test/store/sqlite/helper/store-helper.test.ts',
        'a thread that has exited > is replaced after an hour at most, and after a minute again if one ran for longer',
      ],
    ),
    held(
      'A large backlog waits while no pod works: The steps wait. A pod never holds more of them than its slots plus `maxPrefetch`.',
      ['test/faults/backlog.test.ts', '… steps that are submitted while no pod works block no host and are all run'],
    ),
  ],
};
