package org.radialog.base;

import com.samskivert.mustache.Mustache;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Fills in HTML templates, which are resources in the package of the class that uses them. */
public final class PageTemplate {
  private PageTemplate() {}

  /**
   * Fills in a template. Every value is escaped unless the template marks it as HTML, a missing
   * value is an error, and an empty text counts as false.
   *
   * @param owner class in whose package the template is
   * @param name file name of the template
   * @param values by their names in the template
   */
  public static String filled(Class<?> owner, String name, Map<String, Object> values) {
    try (InputStream in = owner.getResourceAsStream(name)) {
      if (in == null) {
        throw new RadialogException(
            "%s is missing from the class path: build the room of %s"
                .formatted(name, owner.getPackageName()));
      }
      return Mustache.compiler()
          .escapeHTML(true)
          .emptyStringIsFalse(true)
          .defaultValue("")
          .compile(new InputStreamReader(in, StandardCharsets.UTF_8))
          .execute(values);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
