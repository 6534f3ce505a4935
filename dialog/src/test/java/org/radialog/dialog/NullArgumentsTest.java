package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.radialog.base.Progress;
import org.radialog.clinical.Finding;
import org.radialog.clinical.Turn;
import org.radialog.imaging.Guard;
import org.radialog.imaging.Limits;
import org.radialog.imaging.Radiograph;
import org.radialog.language.Precision;
import org.radialog.published.ModelImport;
import org.radialog.testmodel.TinyModel;
import org.radialog.vision.BioViLT;

/** Every method that a program may call, each of its arguments null in turn. */
class NullArgumentsTest {
  private static final RaDialog MODEL =
      RaDialog.load(TinyModel.folder(), Options.DEFAULT.with(Precision.FP32));
  private static final Dialog DIALOG = MODEL.open(Study.of(TinyModel.film(1)));

  private static final Map<Class<?>, Object> INSTANCES =
      Map.of(
          RaDialog.class, MODEL,
          Dialog.class, DIALOG,
          Study.class, Study.of(TinyModel.film(1)),
          Options.class, Options.DEFAULT,
          Decoding.class, Decoding.greedy(3),
          Correction.class, Correction.add(Finding.EDEMA),
          FindingsEdit.Changed.class, FindingsEdit.unchanged(),
          Findings.class, DIALOG.findings());
  private static final List<Class<?>> FACADE =
      List.of(
          RaDialog.class,
          Dialog.class,
          Study.class,
          Options.class,
          Decoding.class,
          Correction.class,
          FindingsEdit.class,
          FindingsEdit.Changed.class,
          Conversation.class,
          Conversation.Said.class,
          Engine.Cut.class,
          ModelImport.class,
          ModelImport.Request.class,
          Radiograph.class);

  private static final Map<Class<?>, Object> ARGUMENTS =
      Map.ofEntries(
          Map.entry(Path.class, Path.of("nowhere")),
          Map.entry(Options.class, Options.DEFAULT),
          Map.entry(Study.class, Study.of(TinyModel.film(1))),
          Map.entry(Radiograph.class, TinyModel.film(1)),
          Map.entry(Guard.class, Guard.STRICT),
          Map.entry(Decoding.class, Decoding.greedy(3)),
          Map.entry(Correction.class, Correction.add(Finding.EDEMA)),
          Map.entry(FindingsEdit.class, FindingsEdit.unchanged()),
          Map.entry(Finding.class, Finding.EDEMA),
          Map.entry(Finding[].class, new Finding[] {Finding.EDEMA}),
          Map.entry(String.class, "text"),
          Map.entry(String[].class, new String[] {"text"}),
          Map.entry(Consumer.class, (Consumer<String>) text -> {}),
          Map.entry(Optional.class, Optional.empty()),
          Map.entry(OptionalInt.class, OptionalInt.empty()),
          Map.entry(Set.class, Set.of()),
          Map.entry(List.class, List.of()),
          Map.entry(byte[].class, new byte[] {1}),
          Map.entry(Limits.class, Limits.DEFAULT),
          Map.entry(Precision.class, Precision.FP32),
          Map.entry(Guidance.Wanted.class, Guidance.Wanted.OFF),
          Map.entry(Engine.Limits.class, Engine.Limits.NONE),
          Map.entry(
              Conversation.class,
              new Conversation(FindingsEdit.unchanged(), FindingsEdit.unchanged(), List.of())),
          Map.entry(Turn.class, new Turn.Report()),
          Map.entry(
              ModelImport.Proof.class,
              (ModelImport.Proof) (folder, progress) -> RaDialog.selfTest(folder)),
          Map.entry(ModelDecorator.class, ModelDecorator.NONE),
          Map.entry(BioViLT.BatchNorm.class, BioViLT.BatchNorm.RUNNING),
          Map.entry(Progress.class, Progress.NONE),
          Map.entry(RaDialog.class, MODEL),
          Map.entry(
              ModelImport.Request.class,
              new ModelImport.Request(
                  Path.of("nowhere"),
                  Path.of("nowhere"),
                  Optional.empty(),
                  BioViLT.BatchNorm.RUNNING,
                  List.of(),
                  Optional.empty())),
          Map.entry(int.class, 3),
          Map.entry(long.class, 3L),
          Map.entry(double.class, 1.0),
          Map.entry(boolean.class, false));

  @AfterAll
  static void close() {
    MODEL.close();
  }

  @TestFactory
  Stream<DynamicTest> anArgumentThatIsNullIsNamed() {
    List<DynamicTest> tests = new ArrayList<>();
    for (Class<?> type : FACADE) {
      Stream.concat(Arrays.stream(type.getDeclaredMethods()), Arrays.stream(type.getConstructors()))
          .filter(executable -> Modifier.isPublic(executable.getModifiers()))
          .filter(executable -> !executable.isSynthetic() && !executable.getName().equals("equals"))
          .forEach(executable -> tests.addAll(tests(type, executable)));
    }
    assertThat(tests).hasSizeGreaterThan(50);
    return tests.stream();
  }

  private static List<DynamicTest> tests(Class<?> type, Executable executable) {
    List<DynamicTest> tests = new ArrayList<>();
    Parameter[] parameters = executable.getParameters();
    for (int i = 0; i < parameters.length; i++) {
      int tried = i;
      if (!parameters[i].getType().isPrimitive()) {
        tests.add(
            DynamicTest.dynamicTest(
                type.getSimpleName() + "." + executable.getName() + " " + parameters[i].getName(),
                () -> {
                  Object[] arguments = new Object[parameters.length];
                  for (int j = 0; j < arguments.length; j++) {
                    if (j != tried) {
                      arguments[j] = Objects.requireNonNull(ARGUMENTS.get(parameters[j].getType()));
                    }
                  }
                  assertThat(thrown(type, executable, arguments))
                      .isInstanceOf(NullPointerException.class)
                      .hasMessage(parameters[tried].getName());
                }));
      }
    }
    return tests;
  }

  private static Throwable thrown(Class<?> type, Executable executable, Object[] arguments)
      throws ReflectiveOperationException {
    try {
      switch (executable) {
        case Constructor<?> constructor -> constructor.newInstance(arguments);
        case Method method ->
            method.invoke(
                Modifier.isStatic(method.getModifiers())
                    ? null
                    : INSTANCES.getOrDefault(type, FindingsEdit.unchanged()),
                arguments);
      }
    } catch (InvocationTargetException e) {
      return Optional.ofNullable(e.getCause()).orElse(e);
    }
    throw new AssertionError("nothing was thrown by " + executable);
  }

  @Test
  void anElementThatIsNullIsNamedToo() {
    Finding[] findings = {Finding.EDEMA, null};
    String[] texts = {"a", null};
    assertThat(message(() -> Correction.add(findings))).isEqualTo("findings");
    assertThat(message(() -> Correction.without(findings))).isEqualTo("findings");
    assertThat(message(() -> Correction.add(Finding.EDEMA).remove(findings))).isEqualTo("findings");
    assertThat(message(() -> Decoding.greedy(3).stoppingAt(texts))).isEqualTo("texts");
  }

  private static String message(Runnable call) {
    try {
      call.run();
    } catch (NullPointerException e) {
      return String.valueOf(e.getMessage());
    }
    throw new AssertionError("nothing was thrown");
  }
}
