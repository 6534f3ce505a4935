package org.radialog.dialog;

import java.util.List;

/**
 * What {@link RaDialog#verify} found.
 *
 * @param checks in the order they were made
 */
public record Verification(List<Check> checks) {
  /**
   * One check.
   *
   * @param name what was checked
   * @param holds whether it does
   * @param detail what was found, in one line
   */
  public record Check(String name, boolean holds, String detail) {}

  public Verification {
    checks = List.copyOf(checks);
  }

  /** Whether every check holds. */
  public boolean holds() {
    return checks.stream().allMatch(Check::holds);
  }
}
