package org.radialog.dialog;

import java.util.List;

/**
 * The result of {@link RaDialog#verify}.
 *
 * @param checks in the order they were made
 */
public record Verification(List<Check> checks) {
  /**
   * One check.
   *
   * @param name what was checked
   * @param holds whether it passed
   * @param detail the result in one line
   */
  public record Check(String name, boolean holds, String detail) {}

  public Verification {
    checks = List.copyOf(checks);
  }

  /** Whether every check passed. */
  public boolean holds() {
    return checks.stream().allMatch(Check::holds);
  }
}
