// A diagnosis in words.

import type { Diagnosis, DoctorVerdict, Finding } from "./diagnosis.ts";
import { where } from "./places.ts";

const VERDICTS: Readonly<Record<DoctorVerdict, string>> = {
  free: "Nothing blocks the loop: threads would not help. What is slow waits for something else.",
  busy: "The loop is busy all the time, and no turn is long: many small requests. More processes would help, threads for functions would not.",
  blocked: "These functions block the loop:",
  garbage:
    "The collector blocks the loop: a thread helps only where what is kept moves there with what makes it. Look at what is kept alive.",
  unclear:
    "The loop is blocked by no function that can be told: native code, or other processes have the processor.",
};

/** What is told of a process: of its main thread, and of its worker threads. */
export interface Report extends Diagnosis {
  readonly threads: readonly Diagnosis[];
  /** The Node processes that it has started. */
  readonly processes: readonly number[];
}

/** Gives the lines that lead from a finding in a thread to what measures it. */
type HandOver = (finding: Finding, thread: number) => readonly string[];

/** What the command prints. */
export function reportOf(report: Report, handOver: HandOver): string {
  const { threads, processes } = report;
  const quiet = threads.filter(({ findings }) => findings.length === 0);
  const told = threads.filter(({ findings }) => findings.length > 0);
  return [
    ...linesOfThread(report, handOver),
    ...told.flatMap((one) => ["", `Worker thread ${one.thread}: ${linesOfThread(one, handOver).join("\n")}`]),
    ...(quiet.length === 0
      ? []
      : ["", `Worker threads whose loops nothing blocks: ${quiet.map(({ thread }) => thread).join(", ")}`]),
    ...(processes.length === 0
      ? []
      : ["", `It has started other Node processes, which were not examined: ${processes.join(", ")}`]),
  ].join("\n");
}

function linesOfThread(diagnosis: Diagnosis, handOver: HandOver): string[] {
  const { watched, busy, collector, turns, wait, verdict, findings, isCrowded, stolen, requestsPerSecond } =
    diagnosis;
  const requests = requestsPerSecond === 0 ? "" : `, ${rate(requestsPerSecond)} requests a second`;
  return [
    `${(watched / 1000).toFixed(1)} s watched: the loop was busy ${percent(busy)}, ${turns.long} turns of ${turns.threshold} ms or more (longest ${ms(turns.longest)} ms), collector ${percent(collector)}${requests}`,
    `One of 100 requests that came in meanwhile waited ${ms(wait.p99)} ms or more for the loop alone`,
    ...(isCrowded
      ? [
          `The machine is crowded: for ${percent(stolen)} of the time in which there was work other processes had the processor, so times are longer than they would be`,
        ]
      : []),
    "",
    VERDICTS[verdict],
    ...findings.flatMap((finding, i) => [
      "",
      ...linesOf(finding, i + 1, handOver(finding, diagnosis.thread)),
    ]),
  ];
}

function linesOf(finding: Finding, number: number, handedOver: readonly string[]): string[] {
  const { name, how, calledFrom, share, inside, wait, advice } = finding;
  const caller = how === "foreign" ? `, called by ${calledFrom.name} ${where(calledFrom)}` : "";
  return [
    `${number}. ${name} ${where(finding)}${caller}`.trimEnd(),
    `   ${percent(share)} of the long turns${often(finding)}`,
    ...(inside === null ? [] : [`   most of it in ${inside.name} ${where(inside)}`.trimEnd()]),
    ...(advice === "job" || advice === "copy"
      ? []
      : [`   without it others wait ${ms(wait.after)} ms instead of ${ms(wait.before)} ms (p99)`]),
    `   ${adviceOf(finding)}`,
    ...handedOver.map((line) => `   ${line}`),
  ];
}

function often({ msPerRequest, msPerCall, callsPerSecond }: Finding): string {
  if (msPerCall !== null && callsPerSecond !== null)
    return `, ${ms(msPerCall)} ms a call (slower than usual, as calls are counted), ${rate(callsPerSecond)} calls a second`;
  return msPerRequest === null ? "" : `, ${ms(msPerRequest)} ms a request`;
}

function rate(perSecond: number): string {
  return perSecond.toFixed(perSecond < 10 ? 1 : 0);
}

function adviceOf(finding: Finding): string {
  const { advice, name, twin, lines, calledFrom, how } = finding;
  switch (advice) {
    case "offload":
      return `in a thread: await runInExecutor(${name}, ...); what sending costs was not measured, \`threadloop compare\` tells it`;
    case "twin":
      return `use the asynchronous twin of ${twin}: Node has threads for it`;
    case "garbage":
      return "most of it is the collector: a thread helps only where what is kept moves there too";
    case "copy":
      return "threads would not help: what it turns into text or back would have to be copied to the thread or from it, which takes as long";
    case "job":
      return "it runs in a worker thread already, as a job: nobody waits for this loop but other jobs of the thread";
    case "extract": {
      const range = lines === null || lines[0] === lines[1] ? "" : ` ${lines[0]} to ${lines[1]}`;
      const what = how === "lines" ? `its lines${range}` : `the call in ${where(calledFrom)}`;
      const whole =
        how === "lines" && name !== "(anonymous)"
          ? `run ${name} in a thread if what it takes and gives can be sent, or `
          : "";
      return `${whole}make a function of ${what}, and run that in a thread`;
    }
  }
}

function ms(value: number): string {
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
