/** The states of a future: PENDING, then once FINISHED, CANCELLED or FAILED; FAILED is RETRIEVED once it was looked at. */
export const PENDING = 0;
export const FINISHED = 1;
export const CANCELLED = 2;
export const FAILED = 3;
export const RETRIEVED = 4;
