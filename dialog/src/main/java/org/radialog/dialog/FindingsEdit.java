package org.radialog.dialog;

import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;

/** The user's edit of the findings before the language model reads them. */
public sealed interface FindingsEdit {
  /** Maximum number of characters of a list, enough for each finding many times over. */
  int LONGEST_LIST = 10_000;

  /** The unchanged findings of the classifier. */
  static FindingsEdit unchanged() {
    return new Changed(Correction.NONE);
  }

  /** The prompt contains no findings: the language model sees only the film. */
  record Hidden() implements FindingsEdit {}

  /**
   * The findings of the classifier with these changes.
   *
   * @param correction the changes
   */
  record Changed(Correction correction) implements FindingsEdit {
    /** Checks that there is a correction. */
    public Changed {
      Objects.requireNonNull(correction, "correction");
    }
  }

  /**
   * This edit followed by {@code later}, which takes precedence; hidden findings are shown again.
   */
  default FindingsEdit and(Correction later) {
    Objects.requireNonNull(later, "later");
    return switch (this) {
      case Hidden() -> new Changed(later);
      case Changed(Correction earlier) -> new Changed(earlier.and(later));
    };
  }

  /**
   * Parses {@code none}, or a comma-separated list of {@code +name} (present), {@code -name}
   * (absent) and {@code ?name} (uncertain) with CheXpert names or unambiguous short forms ({@link
   * Finding#named}), ignoring case.
   *
   * @throws RadialogException if a part has no sign or an unknown name, in which case the message
   *     lists the names, or if the list contradicts itself
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
