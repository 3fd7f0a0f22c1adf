// What the host takes to import any file at all.
export default null;
