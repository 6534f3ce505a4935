package org.radialog.base;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/**
 * The physical memory of this process: the heap, native memory and the read parts of mapped files.
 */
public final class ProcessMemory {
  private static final Path STATUS = Path.of("/proc/self/status");

  private ProcessMemory() {}

  /** Bytes now; empty on a system that does not tell, which are all but Linux. */
  public static OptionalLong resident() {
    return read("VmRSS:");
  }

  /** The most bytes so far; empty on a system that does not tell, which are all but Linux. */
  public static OptionalLong peak() {
    return read("VmHWM:");
  }

  private static OptionalLong read(String name) {
    try {
      return Files.readAllLines(STATUS).stream()
          .filter(line -> line.startsWith(name))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
          .findFirst();
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }
}
