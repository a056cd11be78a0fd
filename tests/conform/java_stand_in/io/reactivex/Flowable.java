package io.reactivex;

import io.reactivex.functions.Consumer;

/** As much of RxJava's class as its callers here use: it runs when it is read, in their thread. */
public final class Flowable<T> {
  private final Consumer<Consumer<? super T>> source;

  public Flowable(Consumer<Consumer<? super T>> source) {
    this.source = source;
  }

  public void blockingForEach(Consumer<? super T> onNext) {
    try {
      source.accept(onNext);
    } catch (RuntimeException error) {
      throw error;
    } catch (Exception error) {
      throw new RuntimeException(error);
    }
  }
}
