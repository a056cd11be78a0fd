// What the service page's Java program does: ask ChatGLM3 for an introduction to Hangzhou and print
// the whole result. Nothing in it knows GLMScope; the address comes from the environment.

import com.alibaba.dashscope.aigc.generation.Generation;
import com.alibaba.dashscope.aigc.generation.GenerationParam;
import com.alibaba.dashscope.aigc.generation.GenerationResult;
import com.alibaba.dashscope.exception.ApiException;
import com.alibaba.dashscope.exception.InputRequiredException;
import com.alibaba.dashscope.exception.NoApiKeyException;
import com.alibaba.dashscope.utils.JsonUtils;

public class CallWithPrompt {
  static void callWithPrompt() throws ApiException, NoApiKeyException, InputRequiredException {
    Generation generation = new Generation();
    GenerationParam param =
        GenerationParam.builder().model("chatglm3-6b").prompt("介绍下杭州").build();
    GenerationResult result = generation.call(param);
    System.out.println(JsonUtils.toJson(result));
  }

  public static void main(String[] args) {
    try {
      callWithPrompt();
    } catch (ApiException | NoApiKeyException | InputRequiredException error) {
      System.err.println(error.getMessage());
      System.exit(1);
    }
    // The HTTP client's threads would keep the program alive for a minute.
    System.exit(0);
  }
}
