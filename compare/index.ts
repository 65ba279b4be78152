/** This is `threadloop/bench`: whether it pays to run a function in threads, measured. */
export { type CompareOptions, type CompareProgress, compare } from "./compare.ts";
export type {
  AtOnce,
  ChunkSize,
  ComparedInput,
  Comparison,
  CopyCost,
  InputVerdict,
  LoopTime,
  ThreadTime,
} from "./comparison.ts";
export { ComparisonError, type ComparisonErrorCode } from "./comparisonerror.ts";
export { drawComparison } from "./picture.ts";
export { formatComparison } from "./table.ts";
