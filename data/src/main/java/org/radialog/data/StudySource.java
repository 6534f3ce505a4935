package org.radialog.data;

import java.util.ArrayList;
import java.util.function.Consumer;
import org.radialog.base.RadialogException;
import org.radialog.imaging.Radiograph;

/**
 * Studies with reports, in the layout that a data set is published in.
 *
 * <p>Reading is a stream: a study is handed over when it is complete and then forgotten, so a data
 * set need not fit in memory. What a reader keeps of a table that it joins by key is a few words a
 * row, never texts. A missing or broken file or row is one {@link Rejected} and never loses the
 * rest; only a table that is missing or is another table refuses the whole.
 */
public interface StudySource {
  /** The data set's name, for tables and settings. */
  String name();

  /**
   * Reads all studies, in the data set's order.
   *
   * @param studies gets each study once
   * @param rejected gets what could not be used, as it is met
   * @return how many there were
   * @throws RadialogException if a table is missing, cannot be read or lacks a column
   */
  Tally read(Consumer<? super ReportedStudy> studies, Consumer<? super Rejected> rejected);

  /** How many studies and images came, and how many lines said what did not. */
  record Tally(long studies, long images, long rejected) {
    /** For the end of a command. */
    @Override
    public String toString() {
      return "%,d studies with %,d images; %,d left out".formatted(studies, images, rejected);
    }
  }

  /** Reads everything into memory. */
  default StudySet readAll() {
    var studies = new ArrayList<ReportedStudy>();
    var rejected = new ArrayList<Rejected>();
    read(studies::add, rejected::add);
    return new StudySet(name(), studies, rejected);
  }

  /**
   * The same studies without the images that cannot be decoded: each of them is a {@link Rejected}.
   * Decodes every pixel once, so it costs what a run over the images costs.
   */
  default StudySource decodable() {
    StudySource all = this;
    return new StudySource() {
      @Override
      public String name() {
        return all.name();
      }

      @Override
      public Tally read(
          Consumer<? super ReportedStudy> studies, Consumer<? super Rejected> rejected) {
        var out = new StudySink(studies, rejected);
        all.read(
            study -> {
              var images = new ArrayList<StudyImage>();
              for (StudyImage image : study.images()) {
                try {
                  Radiograph.read(image.file());
                  images.add(image);
                } catch (RadialogException e) {
                  out.reject(image.file(), 0, "study " + study.id() + ": " + e.getMessage());
                }
              }
              out.study(study.withImages(images));
            },
            out::reject);
        return out.tally();
      }
    };
  }
}
