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
 * @param image the file's name, unique in its data set
 * @param file where the pixels lie
 * @param patient the patient's name in the data set; one patient may have several films
 * @param age in years
 * @param sex as the data set writes it, {@code M} or {@code F}
 * @param view PA or AP
 * @param truth one entry a finding, in column order
 */
public record Film(
    String image,
    Path file,
    String patient,
    int age,
    String sex,
    View view,
    Map<Finding, Truth> truth) {

  /** Findings without an entry become unknown. */
  public Film {
    var all = new EnumMap<Finding, Truth>(Finding.class);
    for (Finding finding : Finding.ALL) {
      all.put(finding, truth.getOrDefault(finding, Truth.UNKNOWN));
    }
    truth = Collections.unmodifiableMap(all);
  }

  /** What the data set knows about {@code finding}. */
  public Truth truth(Finding finding) {
    return truth.getOrDefault(finding, Truth.UNKNOWN);
  }

  /** The findings known to be present, in column order. */
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
   * The same film with CheXpert's tree of labels applied: the parent of a present finding is
   * present. A label that the data set does not assess stays unknown, because a label with
   * positives only can be neither learned nor scored.
   */
  public Film withHierarchy() {
    var tree = new EnumMap<Finding, Truth>(truth);
    for (Finding finding : present()) {
      var parent = finding.parent();
      while (parent.isPresent()) {
        Finding up = parent.get();
        if (tree.get(up) == Truth.ABSENT) {
          tree.put(up, Truth.PRESENT);
        }
        parent = up.parent();
      }
    }
    return new Film(image, file, patient, age, sex, view, tree);
  }
}
