package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/shop/internal/catalog"
	"example.com/shop/internal/token"
	"go.uber.org/zap"
)

func ask(t *testing.T, h http.Handler, method, path, bearer string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func shop(t *testing.T) http.Handler {
	t.Helper()
	goods, err := catalog.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return New(goods, []byte("s"), zap.NewNop())
}

func TestPagesAndItemsAreForEveryone(t *testing.T) {
	h := shop(t)
	for path, want := range map[string]string{"/": "<h1>Shop</h1>", "/style.css": "font", "/items": `"sku":"jar-1"`} {
		if code, body := ask(t, h, "GET", path, ""); code != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
}

func TestOrdersNeedATokenAndAreCounted(t *testing.T) {
	h := shop(t)
	bearer, _ := token.Sign("ann", []byte("s"), time.Now().Add(time.Minute))
	if code, _ := ask(t, h, "POST", "/items/jar-1/orders", ""); code != http.StatusUnauthorized {
		t.Errorf("without a token: %d", code)
	}
	if code, _ := ask(t, h, "POST", "/items/none/orders", bearer); code != http.StatusNotFound {
		t.Errorf("an unknown item: %d", code)
	}
	if code, body := ask(t, h, "POST", "/items/jar-1/orders", bearer); code != http.StatusCreated || !strings.Contains(body, `"for":"ann"`) {
		t.Errorf("%d %s", code, body)
	}
	if _, body := ask(t, h, "GET", "/metrics", ""); !strings.Contains(body, `shop_orders_total{sku="jar-1"} 1`) {
		t.Error(body)
	}
}
