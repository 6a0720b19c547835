"""From LLVM text to calls: object code, memory, threads, and the interpreter that stands in."""
