/** This is what the user of the command can do something about: its message is all that is printed. */
export class Problem extends Error {}
