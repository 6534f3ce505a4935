package org.radialog.train;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Starts a stage from the command line, with lines for a log instead of bars. */
final class Run {
  private Run() {}

  /**
   * {@code classifier run=DIR data=DIR fold=K init=FILE [recipe field=value]...}, or {@code
   * language run=DIR data=DIR fold=K classifier=FILE base=FILE [out-of-fold=FILE,FILE...]
   * [from=FILE] [recipe field=value]...}, or {@code export run=DIR data=DIR fold=K
   * classifiers=DIR,DIR... base=FILE to=DIR version=V commit=C}, the classifiers' runs in the order
   * of the folds that they held out.
   */
  public static void main(String[] arguments) {
    Map<String, String> given = new LinkedHashMap<>();
    for (int i = 1; i < arguments.length; i++) {
      String[] pair = arguments[i].split("=", 2);
      given.put(pair[0], pair.length == 2 ? pair[1] : "");
    }
    Path folder = Path.of(take(given, "run"));
    if (arguments[0].equals("classifier")) {
      ClassifierTraining.train(
          new ClassifierTraining.Config(
              Path.of(take(given, "data")),
              Integer.parseInt(take(given, "fold")),
              Path.of(take(given, "init")),
              recipe(ClassifierTraining.Recipe.DEFAULT, given, ClassifierTraining.Recipe.class)),
          folder,
          new Lines());
    } else if (arguments[0].equals("language")) {
      List<Path> outOfFold = files(given, "out-of-fold");
      List<Path> from = files(given, "from");
      given.put("from", Json.MAPPER.writeValueAsString(from));
      LanguageTraining.train(
          new LanguageTraining.Config(
              Path.of(take(given, "data")),
              Integer.parseInt(take(given, "fold")),
              Path.of(take(given, "classifier")),
              Path.of(take(given, "base")),
              outOfFold,
              recipe(LanguageTraining.Recipe.DEFAULT, given, LanguageTraining.Recipe.class)),
          folder,
          new Lines());
    } else if (arguments[0].equals("export")) {
      SortedMap<Integer, Path> classifiers = new TreeMap<>();
      for (String classifier : take(given, "classifiers").split(",", -1)) {
        classifiers.put(classifiers.size(), Path.of(classifier));
      }
      ModelExport.write(
          new ModelExport.Config(
              Path.of(take(given, "data")),
              Integer.parseInt(take(given, "fold")),
              classifiers,
              folder,
              Path.of(take(given, "base")),
              take(given, "version"),
              take(given, "commit")),
          Path.of(take(given, "to")),
          new Lines());
    } else {
      throw new RadialogException(
          "unknown stage " + arguments[0] + ": expected classifier, language or export");
    }
  }

  private static List<Path> files(Map<String, String> given, String name) {
    String files = given.getOrDefault(name, "");
    given.remove(name);
    return Stream.of(files.split(",", -1)).filter(file -> !file.isEmpty()).map(Path::of).toList();
  }

  private static String take(Map<String, String> given, String name) {
    String value = given.remove(name);
    if (value == null) {
      throw new RadialogException("argument " + name + "=... is missing");
    }
    return value;
  }

  private static <T> T recipe(T base, Map<String, String> changes, Class<T> type) {
    ObjectNode node = Json.MAPPER.valueToTree(base);
    changes.forEach((name, value) -> {
      JsonNode number = Json.MAPPER.readTree(value);
      if (!node.has(name)) {
        throw new RadialogException("the recipe has no " + name + ": expected one of " + node);
      }
      node.set(name, number);
    });
    return Json.MAPPER.treeToValue(node, type);
  }

  /** A line every ten seconds. */
  private static final class Lines implements Progress {
    @Override
    public Task start(String what, long steps) {
      return new Task() {
        private long done;
        private final long begun = System.nanoTime();
        private long said = begun;
        private String last = "";

        @Override
        public void step(String note) {
          done++;
          last = note;
          if (System.nanoTime() - said > 10_000_000_000L) {
            say();
          }
        }

        private void say() {
          said = System.nanoTime();
          System.err.printf(
              Locale.ROOT, "%s %d/%d %.0f s %s%n", what, done, steps, (said - begun) / 1e9, last);
        }

        @Override
        public void close() {
          say();
        }
      };
    }
  }
}
