package org.radialog.data;

import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.radialog.clinical.Finding;
import org.radialog.clinical.View;

/**
 * One radiograph of a data set.
 *
 * @param image file name, unique in the data set
 * @param file path of the image file
 * @param patient patient identifier in the data set; a patient may have several films
 * @param age in years
 * @param sex as written in the data set, {@code M} or {@code F}
 * @param view PA or AP
 * @param truth one entry per finding, in column order
 */
public record Film(
    String image,
    Path file,
    String patient,
    int age,
    String sex,
    View view,
    Map<Finding, Truth> truth) {

  /** Sets findings without an entry to unknown. */
  public Film {
    var all = new EnumMap<Finding, Truth>(Finding.class);
    for (Finding finding : Finding.ALL) {
      all.put(finding, truth.getOrDefault(finding, Truth.UNKNOWN));
    }
    truth = Collections.unmodifiableMap(all);
  }

  /** The ground truth for {@code finding}. */
  public Truth truth(Finding finding) {
    return truth.getOrDefault(finding, Truth.UNKNOWN);
  }

  /** The findings that are known to be present, in column order. */
  public Set<Finding> present() {
    var present = EnumSet.noneOf(Finding.class);
    truth.forEach((finding, t) -> {
      if (t == Truth.PRESENT) {
        present.add(finding);
      }
    });
    return Collections.unmodifiableSet(present);
  }

  /**
   * The same film with CheXpert's label hierarchy applied: the parent of a present finding is
   * present. A label that the data set does not assess stays unknown, because a label that has only
   * positives can be neither learned nor scored.
   */
  public Film withHierarchy() {
    var tree = new EnumMap<Finding, Truth>(truth);
    for (Finding finding : present()) {
      for (Finding up : finding.ancestors()) {
        if (tree.get(up) == Truth.ABSENT) {
          tree.put(up, Truth.PRESENT);
        }
      }
    }
    return with(tree);
  }

  /** The same film with another ground truth. */
  Film with(Map<Finding, Truth> other) {
    return new Film(image, file, patient, age, sex, view, other);
  }
}
