package org.radialog.dialog;

import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;

/** What the user makes of the findings before the language model reads them. */
public sealed interface FindingsEdit {
  /** Characters of a list, at most: each finding many times over. */
  int LONGEST_LIST = 10_000;

  /** The classifier's findings as they are. */
  static FindingsEdit unchanged() {
    return new Changed(Correction.NONE);
  }

  /** The prompt says nothing of findings: the language model sees the film alone. */
  record Hidden() implements FindingsEdit {}

  /** The classifier's findings with these changes. */
  record Changed(Correction correction) implements FindingsEdit {
    /** Checks that there is a correction. */
    public Changed {
      Objects.requireNonNull(correction, "correction");
    }
  }

  /** This and then {@code later}, which wins where they differ; what was hidden is shown again. */
  default FindingsEdit and(Correction later) {
    Objects.requireNonNull(later, "later");
    return switch (this) {
      case Hidden() -> new Changed(later);
      case Changed(Correction earlier) -> new Changed(earlier.and(later));
    };
  }

  /**
   * Reads {@code none}, or a comma list of {@code +name} (present), {@code -name} (absent) and
   * {@code ?name} (uncertain) with CheXpert names or unambiguous short ones ({@link Finding#named})
   * in any case.
   *
   * @throws RadialogException if a part has no sign or an unknown name, where the message lists the
   *     names, or if the list contradicts itself
   */
  static FindingsEdit parse(String list) {
    Objects.requireNonNull(list, "list");
    if (list.length() > LONGEST_LIST) {
      throw new RadialogException(
          Kind.BAD_INPUT,
          "the findings list has "
              + list.length()
              + " characters, expected at most "
              + LONGEST_LIST
              + ": there are 14 findings");
    }
    if (list.strip().equalsIgnoreCase("none")) {
      return new Hidden();
    }
    Set<Finding> added = EnumSet.noneOf(Finding.class);
    Set<Finding> removed = EnumSet.noneOf(Finding.class);
    Set<Finding> uncertain = EnumSet.noneOf(Finding.class);
    for (String part : list.split(",", -1)) {
      String item = part.strip();
      if (item.startsWith("+")) {
        added.add(Finding.named(item.substring(1)));
      } else if (item.startsWith("-")) {
        removed.add(Finding.named(item.substring(1)));
      } else if (item.startsWith("?")) {
        uncertain.add(Finding.named(item.substring(1)));
      } else {
        throw new RadialogException(
            Kind.BAD_INPUT,
            "the findings list has \""
                + Printable.of(item)
                + "\", expected none, or +name, -name and ?name (uncertain) separated by commas,"
                + " for example +Edema,-Pneumonia");
      }
    }
    Correction correction = new Correction(added, removed, uncertain);
    correction.requireTree();
    return new Changed(correction);
  }
}
