package org.radialog.base;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/**
 * The physical memory of this process: heap, native memory and the parts of mapped files that were
 * read.
 */
public final class ProcessMemory {
  private static final Path STATUS = Path.of("/proc/self/status");

  private ProcessMemory() {}

  /** Bytes in use now; empty on systems other than Linux. */
  public static OptionalLong resident() {
    return read("VmRSS:");
  }

  /** The most bytes in use so far; empty on systems other than Linux. */
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
