package io.reactivex;

import io.reactivex.functions.Consumer;

public abstract class Flowable<T> {
  public final void blockingForEach(Consumer<? super T> onNext) {}
}
